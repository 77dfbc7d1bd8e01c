"""The matrix product behind pointwise, dense and grouped convolutions: rows of a map times packed columns of weights.

A tile of `rows` x `width` vectors of results stays in registers while its inputs pass by once, a number at a time: it
is spread over a vector and multiplied with `width` vectors of weights. Inputs are read where they lie. A convolution
of k x k is the same product with k * k runs of inputs a row in place of one; so is one that reads channels from here
and there, as after a shuffle. Nothing is copied for it.

Weights are packed by panels of `width` vectors of columns: a panel is its biases, then a line for each input in the
order of the runs. A panel is read from the second cache once for a block of rows, which stays in the first cache;
where several tiles share it, they ask for the next one meanwhile, which may still lie in the third cache.

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
    fence,
    load,
    multiply_add,
    prefetch,
    repeat,
    share,
    spread,
    store,
    times,
)
from featherlight.compiler.control import i64, loop
from featherlight.compiler.kernels.activation import ElementWise, apply

SHORT = 8  # inputs of a run that are no loop
FEW_WEIGHTS = 16_000  # bytes of weights that stay in the first cache: then a row is written at once
UNROLL = 4  # inputs a turn of the innermost loop
BLOCK = 20_000  # bytes of inputs that a block of rows keeps in the first cache beside a panel of weights
MOST_ROWS = 14  # of a tile
FEW_SUMS = 8  # keep the arithmetic busy: each waits for its last product, and more rows of one vector spill
FEW_ROWS, FEW_PANELS = 64, 4
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
class Part:
    """Columns that have the same inputs: all of them, or those of a group of channels.

    runs     where a row's inputs lie
    columns  vectors of results in a row; lanes beyond the last result hold what padded weights give
    result, residual  bytes of a row before them
    """

    runs: tuple[Run, ...]
    columns: int
    result: int = 0
    residual: int = 0

    @property
    def inputs(self) -> int:
        """How many numbers a result is the weighted sum of."""
        return sum(run.count * run.times for run in self.runs)


@dataclass(frozen=True)
class Gemm:
    """Pointers: each source, the packed weights of each part, the result, and what is added if there is a `residual`.

    images, lines, rows  how often there is a result row: a pointwise convolution has one line of all its pixels
    activation, last     functions before and after the residual is added; `last` only where there is one
    weights              bytes from an image's weights to the next; 0 where all have the same
    """

    images: int
    lines: int
    rows: int
    sources: tuple[Strides, ...]
    parts: tuple[Part, ...]
    result: Strides
    residual: Strides | None = None
    activation: ElementWise | None = None
    last: ElementWise | None = None
    weights: int = 0

    @property
    def panels(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """The panels that each part's weights must be packed by: (width, how many)."""
        return tuple(widths(part.columns, self.rows) for part in self.parts)

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        pointers = len(self.sources) + 2 + (self.residual is not None)
        return code.kernel(self, "gemm", pointers, lambda b, *given: _Driver(code, self, b, given).emit())


def tile_rows(vectors: Vectors, width: int) -> int:
    """The most rows whose results, a line of weights and two inputs fit the registers: with one, LLVM spills."""
    most = FEW_SUMS if width == 1 else MOST_ROWS
    return max(1, min(most, (vectors.registers - width - 2) // width))


def widths(columns: int, rows: int) -> tuple[tuple[int, int], ...]:
    """Panels of `columns` vectors: (width, how many).

    Two wide, three where one would be left over. With few rows they are wider, for a sum needs its last product before
    the next is added, and eight sums or more keep the arithmetic busy meanwhile.
    """
    wide = {1: 8, 2: 4, 3: 3}.get(rows, 2)
    whole, left = divmod(columns, wide)
    if wide == 2 and left and whole:
        return tuple(group for group in ((2, whole - 1), (3, 1)) if group[1])
    return tuple(group for group in ((wide, whole), (left, 1)) if all(group))


def heights(rows: int, most: int) -> list[tuple[int, int]]:
    """Tiles of `rows` in all, none higher than `most`, as even as can be: (height, how many)."""
    tiles = -(-rows // most)
    low, more = divmod(rows, tiles)
    return [(height, count) for height, count in ((low + 1, more), (low, tiles - more)) if count]


def pack(
    weights: NDArray[np.float32], bias: NDArray[np.float32], vectors: Vectors, panels: Sequence[tuple[int, int]]
) -> NDArray[np.float32]:
    """The `panels` of (outputs, inputs) `weights`, inputs in the order of the runs, and of (outputs) `bias`."""
    outputs, inputs = weights.shape
    lines = np.zeros((1 + inputs, vectors.padded(outputs)), np.float32)
    lines[0, :outputs], lines[1:, :outputs] = bias, weights.T
    packed, first = [], 0
    for width, count in panels:
        for _ in range(count):
            packed.append(lines[:, first : first + width * vectors.lanes].ravel())
            first += width * vectors.lanes
    return np.concatenate(packed)


@dataclass(frozen=True)
class _Group:
    """Panels of one part and width: how many, and what comes before them in panels, bytes of weights and of a row."""

    part: Part
    width: int
    count: int
    first: int
    weights: int
    column: int


class _Driver:
    """Emits the loops over lines, panels and tiles."""

    def __init__(self, code: Code, gemm: Gemm, b: Builder, given: Sequence[Value]) -> None:
        self.code, self.gemm, self.b = code, gemm, b
        self.thread, self.threads, *pointers = given
        self.sources, rest = pointers[: len(gemm.sources)], pointers[len(gemm.sources) :]
        self.weights, self.result, *self.residual = rest
        self.lines = gemm.images * gemm.lines
        self.groups = tuple(self._groups())
        self.panels = sum(group.count for group in self.groups)
        # Where rows are few, threads share the columns: each then reads its own part of the weights only.
        few = self.lines * gemm.rows <= FEW_ROWS and self.panels >= FEW_PANELS
        self.by_columns = few and not gemm.weights

    def emit(self) -> None:
        b, lines = self.b, (i64(0), i64(self.lines))
        if not self.by_columns and self.lines > 1:
            lines = share(b, self.thread, self.threads, self.lines)
        for width in sorted({group.width for group in self.groups}):
            groups = [group for group in self.groups if group.width == width]
            if self._panels_first:
                for group in groups:
                    with loop(b, *self._mine(group), name="panel") as panel, loop(b, *lines, name="line") as line:
                        self._line([(group, (panel, b.add(panel, i64(1))))], line)
            else:
                with loop(b, *lines, name="line") as line:
                    self._line([(group, self._mine(group)) for group in groups], line)

    @property
    def _panels_first(self) -> bool:
        """Whether a panel meets all rows before the next panel comes: where weights are more than inputs."""
        rows = self.lines * self.gemm.rows
        columns = max(part.columns for part in self.gemm.parts) * self.code.vectors.lanes
        return self.by_columns or (columns > rows and not self.gemm.weights)

    def _groups(self) -> Iterator[_Group]:
        first = weights = 0
        for part, panels in zip(self.gemm.parts, self.gemm.panels, strict=True):
            column = 0
            for width, count in panels:
                yield _Group(part, width, count, first, weights, column)
                first += count
                weights += count * self._panel(part, width)
                column += count * width * self.code.vectors.bytes

    def _panel(self, part: Part, width: int) -> int:
        """Bytes of a panel of weights."""
        return (1 + part.inputs) * width * self.code.vectors.bytes

    def _mine(self, group: _Group) -> tuple[Value, Value]:
        """The panels of a group that fall to this thread."""
        if not self.by_columns:
            return i64(0), i64(group.count)
        return self._clipped(share(self.b, self.thread, self.threads, self.panels), group.first, group.count)

    def _clipped(self, part: tuple[Value, Value], first: int, count: int) -> tuple[Value, Value]:
        """What of a range falls into `count` things from `first` on, counted from there."""
        low, high = (clamp(self.b, self.b.sub(edge, i64(first)), i64(0), i64(count)) for edge in part)
        return low, high

    def _line(self, groups: list[tuple[_Group, tuple[Value, Value]]], line: Value) -> None:
        """The tiles of one line: by blocks of rows, each for all panels of some groups of one width."""
        b, gemm, width = self.b, self.gemm, groups[0][0].width
        tiles = heights(gemm.rows, tile_rows(self.code.vectors, width))
        whole = sum(count for _, count in tiles)
        alone = self.lines == 1 and not self.by_columns
        mine = share(b, self.thread, self.threads, whole) if alone else (i64(0), i64(whole))
        begun = top = 0
        for height, count in tiles:
            block = self._block(height, width, count)
            low, high = self._clipped(mine, begun, count)
            with loop(b, low, high, block, "block") as start:
                end = b.add(start, i64(block))
                end = b.select(b.icmp_signed("<", end, high), end, high)
                for group, panels in groups:
                    tile = self._tile(group.part, height, width)
                    with loop(b, *panels, name="panel") as panel, loop(b, start, end, name="tile") as index:
                        row = b.add(times(b, index, height), i64(top))
                        b.call(tile, self._given(group, line, row, panel))
            begun, top = begun + count, top + count * height

    def _block(self, height: int, width: int, count: int) -> int:
        """How many tiles meet all panels before the next tiles come."""
        if self._panels_first:
            return count
        panels = sum(self._panel(group.part, width) * group.count for group in self.groups if group.width == width)
        inputs = sum(part.inputs for part in self.gemm.parts)
        return 1 if panels <= FEW_WEIGHTS else max(1, BLOCK // (FLOAT_BYTES * inputs * height))

    def _given(self, group: _Group, line: Value, row: Value, panel: Value) -> list[Value]:
        """What a tile is called with."""
        b, gemm, part = self.b, self.gemm, group.part
        column = b.add(times(b, panel, group.width * self.code.vectors.bytes), i64(group.column))
        weights = b.add(times(b, panel, self._panel(part, group.width)), i64(group.weights))
        if gemm.weights:
            weights = b.add(weights, times(b, b.udiv(line, i64(gemm.lines)), gemm.weights))
        given = [self._at(p, s, line, row) for p, s in zip(self.sources, gemm.sources, strict=True)]
        given.append(at(b, self.weights, weights))
        given.append(at(b, at(b, self._at(self.result, gemm.result, line, row), column), part.result))
        if gemm.residual is not None:
            added = self._at(self.residual[0], gemm.residual, line, row)
            given.append(at(b, at(b, added, column), part.residual))
        return given

    def _at(self, pointer: Value, strides: Strides, line: Value, row: Value) -> Value:
        b = self.b
        if self.lines > 1:
            image, of_image = b.udiv(line, i64(self.gemm.lines)), b.urem(line, i64(self.gemm.lines))
            pointer = at(b, at(b, pointer, times(b, image, strides.image)), times(b, of_image, strides.line))
        return at(b, pointer, times(b, row, strides.row))

    def _shared(self, part: Part, height: int) -> bool:
        """Whether several tiles read a panel of weights that are too many for the first cache."""
        weights = sum(self._panel(part, width) * count for width, count in widths(part.columns, self.gemm.rows))
        return self.gemm.rows * self.gemm.lines > height and weights > FEW_WEIGHTS

    def _tile(self, part: Part, height: int, width: int) -> ir.Function:
        gemm = self.gemm
        tile = _Tile(
            height,
            width,
            tuple(source.row for source in gemm.sources),
            part.runs,
            gemm.result.row,
            None if gemm.residual is None else gemm.residual.row,
            gemm.activation,
            gemm.last,
            self._panel(part, width) if self._shared(part, height) else 0,
        )
        return tile.emit(self.code)


@dataclass(frozen=True)
class _Tile:
    """Pointers: each source at the first row, a panel, the result, and what is added; rows lie so many bytes apart.

    Weights `ahead` bytes on are asked for, unless it is 0.
    """

    height: int
    width: int
    sources: tuple[int, ...]
    runs: tuple[Run, ...]
    result: int
    residual: int | None
    activation: ElementWise | None
    last: ElementWise | None
    ahead: int

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
                fence(b)  # or LLVM loads the weights of several numbers before it uses the first
                for column in range(self.width if self.ahead else 0):
                    prefetch(b, at(b, weights, self.ahead + (number * self.width + column) * vectors.bytes))
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

        turns, left = divmod(run.count, UNROLL) if run.count > SHORT else (0, run.count)
        state: Sequence[Value] = repeat(b, turns, [start, *rest], lambda state: inputs(UNROLL, state))
        if left:
            state = inputs(left, state)
        return list(state[1:])
