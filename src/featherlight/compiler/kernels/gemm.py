"""The matrix product behind pointwise, dense and grouped convolutions: rows of a map times packed columns of weights.

A tile of `rows` x `width` vectors of results stays in registers while its inputs pass by once, a number at a time: it
is spread over a vector and multiplied with `width` vectors of weights. Inputs are read where they lie. A convolution
of k x k is the same product with k * k runs of inputs a row in place of one; so is one that reads channels from here
and there, as after a shuffle. Nothing is copied for it.

Weights are packed by panels of `width` vectors of columns: a panel is its biases, then a line for each input in the
order of the runs. A panel is read from the second cache once for a block of rows, which stays in the first cache.

Register tiles of this kind: Goto and van de Geijn 2008, "Anatomy of high-performance matrix multiplication".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from featherlight.compiler.code import (
    FLOAT,
    Builder,
    Code,
    Value,
    Vectors,
    at,
    clamp,
    load,
    multiply_add,
    repeat,
    share,
    spread,
    store,
    times,
)
from featherlight.compiler.control import i64, loop
from featherlight.compiler.kernels.activation import ElementWise, apply

UNROLL = 2  # inputs a turn of the innermost loop: more made the code larger and no faster
BLOCK = 20_000  # bytes of inputs that a block of rows keeps in the first cache beside a panel of weights
MOST_ROWS = 12  # of a tile
FLOAT_BYTES = 4


@dataclass(frozen=True)
class Strides:
    """Bytes from an image, a line of a map and a row of the product to the next; rows stand along a line."""

    image: int
    line: int
    row: int


@dataclass(frozen=True)
class Run:
    """`count` inputs that lie side by side from `offset` bytes on, in the map that `source` numbers.

    `times` such runs, `step` bytes apart, are one: the taps of a kernel's row or column.
    """

    source: int
    offset: int
    count: int
    times: int = 1
    step: int = 0


@dataclass(frozen=True)
class Gemm:
    """Pointers: each source, the packed weights, the result, and what is added where there is a `residual`.

    images, lines, rows  how often there is a result row: a pointwise convolution has one line of all its pixels
    sources, runs        where a row's inputs lie
    columns              vectors of results in a row; lanes beyond the last result hold what padded weights give
    activation, last     functions before and after the residual is added; `last` only where there is one
    """

    images: int
    lines: int
    rows: int
    sources: tuple[Strides, ...]
    runs: tuple[Run, ...]
    columns: int
    result: Strides
    residual: Strides | None = None
    activation: ElementWise | None = None
    last: ElementWise | None = None

    @property
    def inputs(self) -> int:
        """How many numbers a result is the weighted sum of."""
        return sum(run.count * run.times for run in self.runs)

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        pointers = len(self.sources) + 2 + (self.residual is not None)
        return code.kernel(self, "gemm", pointers, lambda b, *given: _Driver(code, self, b, given).emit())


def tile_rows(vectors: Vectors, width: int) -> int:
    """The most rows whose results, a line of weights and one input fit the registers."""
    return min(MOST_ROWS if vectors.registers <= 16 else 28, (vectors.registers - width - 1) // width)


def widths(columns: int) -> list[tuple[int, int]]:
    """Panels of `columns` vectors: (width, how many). Two wide; three where one would be left over."""
    if columns == 1:
        return [(1, 1)]
    twos, threes = (columns - 3 * (columns % 2)) // 2, columns % 2
    return [(width, count) for width, count in ((2, twos), (3, threes)) if count]


def heights(rows: int, most: int) -> list[tuple[int, int]]:
    """Tiles of `rows` in all, none higher than `most`, as even as can be: (height, how many)."""
    tiles = -(-rows // most)
    low, more = divmod(rows, tiles)
    return [(height, count) for height, count in ((low + 1, more), (low, tiles - more)) if count]


def pack(weights: NDArray[np.float32], bias: NDArray[np.float32], vectors: Vectors) -> NDArray[np.float32]:
    """The panels of (outputs, inputs) `weights`, inputs in the order of the runs, and of (outputs) `bias`."""
    outputs, inputs = weights.shape
    lines = np.zeros((1 + inputs, vectors.padded(outputs)), np.float32)
    lines[0, :outputs], lines[1:, :outputs] = bias, weights.T
    panels, first = [], 0
    for width, count in widths(lines.shape[1] // vectors.lanes):
        for _ in range(count):
            panels.append(lines[:, first : first + width * vectors.lanes].ravel())
            first += width * vectors.lanes
    return np.concatenate(panels)


class _Driver:
    """Emits the loops over lines, panels and tiles."""

    def __init__(self, code: Code, gemm: Gemm, b: Builder, given: Sequence[Value]) -> None:
        self.code, self.gemm, self.b = code, gemm, b
        self.thread, self.threads, *pointers = given
        self.sources, rest = pointers[: len(gemm.sources)], pointers[len(gemm.sources) :]
        self.weights, self.result, *self.residual = rest

    def emit(self) -> None:
        gemm, b = self.gemm, self.b
        many = gemm.images * gemm.lines
        for width, panels, first_panel, offset in self._groups():
            tiles = heights(gemm.rows, tile_rows(self.code.vectors, width))
            panel_range = (i64(0), i64(panels))
            if self._by_columns:
                total = sum(count for _, count, *_ in self._groups())
                panel_range = self._clipped(share(b, self.thread, self.threads, total), first_panel, panels)
            lines = (i64(0), i64(many)) if self._by_columns or many == 1 else share(b, self.thread, self.threads, many)
            if self._panels_first:
                with loop(b, *panel_range, name="panel") as panel, loop(b, *lines, name="line") as line:
                    self._line(tiles, width, (panel, b.add(panel, i64(1))), first_panel, offset, line)
            else:
                with loop(b, *lines, name="line") as line:
                    self._line(tiles, width, panel_range, first_panel, offset, line)

    @property
    def _by_columns(self) -> bool:
        """Whether threads share the columns: where rows are few, each then reads its own part of the weights only."""
        gemm = self.gemm
        panels = sum(count for _, count in widths(gemm.columns))
        return gemm.images * gemm.lines * gemm.rows <= 64 and panels >= 4

    @property
    def _panels_first(self) -> bool:
        """Whether a panel meets all rows before the next panel comes: where weights are more than inputs."""
        gemm = self.gemm
        inputs = gemm.images * gemm.lines * gemm.rows * gemm.inputs
        return self._by_columns or gemm.inputs * gemm.columns * self.code.vectors.lanes > inputs

    def _groups(self) -> Iterator[tuple[int, int, int, int]]:
        """Width, how many, number of the first and bytes before it, for panels of each width."""
        first = offset = 0
        for width, count in widths(self.gemm.columns):
            yield width, count, first, offset
            first, offset = first + count, offset + count * self._panel(width)

    def _panel(self, width: int) -> int:
        return (1 + self.gemm.inputs) * width * self.code.vectors.bytes

    def _clipped(self, part: tuple[Value, Value], first: int, count: int) -> tuple[Value, Value]:
        """What of a range falls into `count` things from `first` on, counted from there."""
        low, high = (clamp(self.b, self.b.sub(edge, i64(first)), i64(0), i64(count)) for edge in part)
        return low, high

    def _line(
        self,
        tiles: list[tuple[int, int]],
        width: int,
        panels: tuple[Value, Value],
        first_panel: int,
        offset: int,
        line: Value,
    ) -> None:
        """The tiles of one line: by blocks of rows, each for all its panels."""
        b, gemm = self.b, self.gemm
        whole = sum(count for _, count in tiles)
        alone = gemm.images * gemm.lines == 1 and not self._by_columns
        mine = share(b, self.thread, self.threads, whole) if alone else (i64(0), i64(whole))
        begun = top = 0
        for height, count in tiles:
            tile = self._tile(height, width)
            block = max(1, BLOCK // (FLOAT_BYTES * gemm.inputs * height))
            low, high = self._clipped(mine, begun, count)
            with loop(b, low, high, block, "block") as start, loop(b, *panels, name="panel") as panel:
                end = b.add(start, i64(block))
                end = b.select(b.icmp_signed("<", end, high), end, high)
                with loop(b, start, end, name="tile") as index:
                    row = b.add(times(b, index, height), i64(top))
                    self._call(tile, line, row, panel, first_panel, offset, width)
            begun, top = begun + count, top + count * height

    def _call(
        self, tile: ir.Function, line: Value, row: Value, panel: Value, first_panel: int, offset: int, width: int
    ) -> None:
        b, vectors = self.b, self.code.vectors
        column = b.add(times(b, panel, width * vectors.bytes), i64(self._columns_before(first_panel) * vectors.bytes))
        given = [self._at(b, p, s, line, row) for p, s in zip(self.sources, self.gemm.sources, strict=True)]
        given.append(at(b, self.weights, b.add(times(b, panel, self._panel(width)), i64(offset))))
        given.append(at(b, self._at(b, self.result, self.gemm.result, line, row), column))
        if self.gemm.residual is not None:
            given.append(at(b, self._at(b, self.residual[0], self.gemm.residual, line, row), column))
        b.call(tile, given)

    def _columns_before(self, first_panel: int) -> int:
        before = 0
        for width, count, first, _ in self._groups():
            before += width * max(0, min(count, first_panel - first))
        return before

    def _at(self, b: Builder, pointer: Value, strides: Strides, line: Value, row: Value) -> Value:
        if self.gemm.images * self.gemm.lines > 1:
            image, of_image = line, i64(0)
            if self.gemm.lines > 1:
                image = b.udiv(line, i64(self.gemm.lines))
                of_image = b.urem(line, i64(self.gemm.lines))
            pointer = at(b, at(b, pointer, times(b, image, strides.image)), times(b, of_image, strides.line))
        return at(b, pointer, times(b, row, strides.row))

    def _tile(self, height: int, width: int) -> ir.Function:
        gemm = self.gemm
        tile = _Tile(
            height,
            width,
            tuple(source.row for source in gemm.sources),
            gemm.runs,
            gemm.result.row,
            None if gemm.residual is None else gemm.residual.row,
            gemm.activation,
            gemm.last,
        )
        return tile.emit(self.code)


@dataclass(frozen=True)
class _Tile:
    """Pointers: each source at the first row, a panel, the result, and what is added; rows lie so many bytes apart."""

    height: int
    width: int
    sources: tuple[int, ...]
    runs: tuple[Run, ...]
    result: int
    residual: int | None
    activation: ElementWise | None
    last: ElementWise | None

    def emit(self, code: Code) -> ir.Function:
        pointers = len(self.sources) + 2 + (self.residual is not None)
        return code.function(self, "tile", pointers, lambda b, *given: self._body(code.vectors, b, given))

    def _body(self, vectors: Vectors, b: Builder, given: Sequence[Value]) -> None:
        sources, (weights, result, *residual) = given[: len(self.sources)], given[len(self.sources) :]
        bias = [load(b, weights, vectors.type, column * vectors.bytes) for column in range(self.width)]
        weights, sums = at(b, weights, self.width * vectors.bytes), bias * self.height
        for run in self.runs:
            first = at(b, sources[run.source], run.offset)

            def taps(state: Sequence[Value], run: Run = run) -> Sequence[Value]:
                start, *rest = state
                return [at(b, start, run.step), *self._run(vectors, b, run, start, rest)]

            _, weights, *sums = repeat(b, run.times, [first, weights, *sums], taps)
        for row in range(self.height):
            for column in range(self.width):
                value, offset = sums[row * self.width + column], column * vectors.bytes
                if self.activation is not None:
                    value = apply(b, self.activation, value)
                if self.residual is not None:
                    value = b.fadd(value, load(b, residual[0], vectors.type, row * self.residual + offset))
                if self.last is not None:
                    value = apply(b, self.last, value)
                store(b, value, result, row * self.result + offset)

    def _run(self, vectors: Vectors, b: Builder, run: Run, start: Value, rest: Sequence[Value]) -> list[Value]:
        """Weights and sums after the inputs of one run from `start` on."""

        def inputs(count: int, state: Sequence[Value]) -> list[Value]:
            first, weights, *sums = state
            for number in range(count):
                line = [
                    load(b, weights, vectors.type, (number * self.width + column) * vectors.bytes)
                    for column in range(self.width)
                ]
                for row in range(self.height):
                    offset = row * self.sources[run.source] + number * FLOAT_BYTES
                    value = spread(b, load(b, first, FLOAT, offset), vectors.type)
                    for column in range(self.width):
                        place = row * self.width + column
                        sums[place] = multiply_add(b, value, line[column], sums[place])
            return [
                at(b, first, count * FLOAT_BYTES),
                at(b, weights, count * self.width * vectors.bytes),
                *sums,
            ]

        turns, left = divmod(run.count, UNROLL)
        state: Sequence[Value] = repeat(b, turns, [start, *rest], lambda state: inputs(UNROLL, state))
        if left:
            state = inputs(left, state)
        return list(state[1:])
