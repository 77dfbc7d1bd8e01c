"""Depthwise convolution of maps whose channels lie side by side: each channel by itself.

A tile of `pixels` x `width` vectors of results along a line stays in registers. Each input is loaded once for all the
taps of a kernel's row that meet it. Taps that find nothing but padding are left out: which ones these are is known for
each tile of a line when the code is made, and for each line when it runs.

Weights are packed by groups of `width` vectors of channels: a group's biases, then a line for each tap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from featherlight.compiler.code import (
    Builder,
    Code,
    Value,
    Vectors,
    at,
    clamp,
    load,
    multiply_add,
    pin,
    prefetch,
    share,
    store,
    times,
)
from featherlight.compiler.control import i64, loop
from featherlight.compiler.kernels.activation import ElementWise, apply
from featherlight.compiler.kernels.gemm import Strides

WIDTH = 2  # vectors of channels in a tile: with eight lanes a whole line of the cache
FEW_COLUMNS = 8  # vectors of channels up to which a line is computed whole before the next
SMALL = 64  # results a channel has, up to which threads share the channels and not the lines


@dataclass(frozen=True)
class Depthwise:
    """Pointers: the source, the packed weights, the result.

    source, result  strides in bytes; `row` is from one pixel to the next
    size            height and width of the source's maps; `results` those of the result's
    columns         vectors of channels; lanes beyond the last channel hold what padded weights give
    ring            the source is a ring of so many lines, not a map
    """

    images: int
    size: tuple[int, int]
    results: tuple[int, int]
    columns: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]  # top, left
    dilation: tuple[int, int]
    source: Strides
    result: Strides
    activation: ElementWise | None = None
    ring: int = 0

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "depthwise", 3, lambda b, *given: self._body(code, b, given))

    def _body(self, code: Code, b: Builder, given: Sequence[Value]) -> None:
        thread, threads, *pointers = given
        lines, total = self.images * self.results[0], sum(count for _, count in groups(self.columns))
        whole = (i64(0), i64(lines)), (i64(0), i64(total))
        mine = whole[0] if self._small else share(b, thread, threads, lines)
        channels = share(b, thread, threads, total) if self._small else whole[1]
        if self._lines_first:
            with loop(b, *mine, name="line") as line:
                self.line(code, b, self._row(b, line, pointers))
            return
        for group_of in self._groups(code.vectors):
            low, high = (clamp(b, b.sub(edge, i64(group_of.before)), i64(0), i64(group_of.count)) for edge in channels)
            with loop(b, low, high, name="group") as group, loop(b, *mine, name="line") as line:
                row = self._row(b, line, pointers)
                for tile, place in self._along(code, b, group_of.width, row):
                    group_of.call(b, tile.emit(code), group, place)

    def line(self, code: Code, b: Builder, row: Row) -> None:
        """Emit all channels of a line."""
        for group_of in self._groups(code.vectors):
            for tile, place in self._along(code, b, group_of.width, row):
                with loop(b, i64(0), i64(group_of.count), name="group") as group:
                    group_of.call(b, tile.emit(code), group, place)

    def _groups(self, vectors: Vectors) -> Iterator[_Group]:
        before = 0
        for width, count in groups(self.columns):
            yield _Group(self, width, count, before, vectors)
            before += count

    @property
    def _small(self) -> bool:
        """Whether threads share the channels and not the lines."""
        return self.results[0] * self.results[1] <= SMALL

    @property
    def _lines_first(self) -> bool:
        """Whether all channels of a line are computed before the next line, and not all lines of a few channels.

        The latter finds weights and the rows above in the first cache; the former walks memory as it lies, and is
        faster where a pixel is a few lines of the cache.
        """
        return self.columns <= FEW_COLUMNS and not self._small

    def _row(self, b: Builder, line: Value, pointers: Sequence[Value]) -> Row:
        """Which rows of the kernel meet the map in a line of results, and where they do."""
        source, weights, result = pointers
        image, y = (b.udiv(line, i64(self.results[0])), b.urem(line, i64(self.results[0])))
        if self.images == 1:
            image, y = i64(0), line
        (rows, _), (down, _), (top, _) = self.kernel, self.dilation, self.padding
        above = b.sub(i64(top), times(b, y, self.stride[0]))  # how far the first tap lies above the map
        first = clamp(b, b.sdiv(b.add(above, i64(down - 1)), i64(down)), i64(0), i64(rows))
        below = b.add(above, i64(self.size[0] + down - 1))
        last = clamp(b, b.sdiv(below, i64(down)), i64(0), i64(rows))
        source = at(b, source, times(b, image, self.source.image))
        source = at(b, source, b.mul(b.sub(times(b, first, down), above), i64(self.source.line)))
        result = at(b, at(b, result, times(b, image, self.result.image)), times(b, y, self.result.line))
        return Row(source, weights, result, b.sub(last, first), first, i64(0))

    def _along(self, code: Code, b: Builder, width: int, row: Row) -> Iterator[tuple[_Tile, Row]]:
        """The tiles of a line, a loop for those alike, and where each begins."""
        start = 0
        for tile, alike in groupby(self._tiles(width, code.vectors)):
            repeated = len(list(alike))
            with loop(b, i64(0), i64(repeated), name="tile") as index:
                x = b.add(times(b, index, tile.pixels), i64(start))
                left = b.sub(times(b, x, self.stride[1] * self.source.row), i64(self.padding[1] * self.source.row))
                source, result = at(b, row.source, left), at(b, row.result, times(b, x, self.result.row))
                yield tile, row._replace(source=source, result=result)
            start += repeated * tile.pixels

    def _tiles(self, width: int, vectors: Vectors) -> list[_Tile]:
        """The tiles of a line from left to right."""
        most = (vectors.registers - 4) // (width + 1)  # leaves room for the weights of a row and an input
        if self.stride[1] > 1 and self.kernel[1] > 3:
            most -= 1  # only every second input meets a tap again: more weights wait at once
        whole = self.results[1]
        count = -(-whole // most)
        low, more = divmod(whole, count)
        tiles, start = [], 0
        for number in range(count):
            pixels = low + (number < more)
            left = start * self.stride[1] - self.padding[1]
            met = [
                tap for tap in range((pixels - 1) * self.stride[1] + (self.kernel[1] - 1) * self.dilation[1] + 1)
                if 0 <= left + tap < self.size[1]
            ]  # fmt: skip
            window = (met[0], met[-1] + 1) if met else (0, 0)
            tiles.append(_Tile(width, pixels, window, not self._small and not self._lines_first, self))
            start += pixels
        return tiles


class Row(NamedTuple):
    """Where a line or a tile of it begins; how many rows of the kernel count, how many do not above them.

    slot  which line of a ring the first that counts is; 0 without a ring
    """

    source: Value
    weights: Value
    result: Value
    count: Value
    skipped: Value
    slot: Value


@dataclass(frozen=True)
class _Group:
    """`count` groups of channels of one width, after `before` wider ones."""

    of: Depthwise
    width: int
    count: int
    before: int
    vectors: Vectors

    def call(self, b: Builder, tile: ir.Function, group: Value, row: Row) -> None:
        """Compute a tile for one of the groups."""
        taps, before = 1 + self.of.kernel[0] * self.of.kernel[1], self.before * WIDTH * self.vectors.bytes
        channel = b.add(times(b, group, self.width * self.vectors.bytes), i64(before))
        weights = b.add(times(b, group, taps * self.width * self.vectors.bytes), i64(taps * before))
        source, result = at(b, row.source, channel), at(b, row.result, channel)
        b.call(tile, [source, at(b, row.weights, weights), result, row.count, row.skipped, row.slot])


@dataclass(frozen=True)
class _Tile:
    """Pointers: the source at the tile's first tap of the first row that counts, weights, the result; then `count`,
    `skipped` and `slot` of `Row`.

    window  which inputs of a line lie in the map, counted from the first tap of the first pixel
    ahead   whether the inputs that the next line meets first are asked for
    """

    width: int
    pixels: int
    window: tuple[int, int]
    ahead: bool
    of: Depthwise

    def emit(self, code: Code) -> ir.Function:
        of = self.of
        key = (self.width, self.pixels, self.window, self.ahead, of.kernel[1], of.stride[1], of.dilation, of.ring,
               of.source.row, of.source.line, of.result.row, of.activation)  # fmt: skip
        return code.function(key, "taps", 3, lambda b, *given: self._body(code.vectors, b, given), numbers=3)

    def _body(self, vectors: Vectors, b: Builder, given: Sequence[Value]) -> None:
        source, weights, result, count, skipped, slot = given
        bias = [load(b, weights, vectors.type, column * vectors.bytes) for column in range(self.width)]
        sums = [bias[column] for _ in range(self.pixels) for column in range(self.width)]
        above = times(b, skipped, self.of.kernel[1] * self.width * vectors.bytes)
        weights = at(b, at(b, weights, self.width * vectors.bytes), above)
        for new in range(self.of.stride[0]):  # the rows that the next line meets first
            below = at(b, source, b.mul(b.add(count, i64(new)), i64(self.of.source.line)))
            for place in range(*self.window if self.ahead else (0, 0)):
                prefetch(b, at(b, below, place * self.of.source.row), 1)
        before, head, body, done = (b.block, *(b.append_basic_block(name) for name in ("head", "row", "done")))
        b.branch(head)
        b.position_at_end(head)
        carried = [b.phi(value.type) for value in (source, weights, count, slot, *sums)]
        for phi, value in zip(carried, (source, weights, count, slot, *sums), strict=True):
            phi.add_incoming(value, before)
        source, weights, left, slot, *sums = carried
        b.cbranch(b.icmp_signed(">", left, i64(0)), body, done)
        b.position_at_end(body)
        below, next_slot = at(b, source, self.of.dilation[0] * self.of.source.line), slot
        if self.of.ring:
            next_slot = b.add(slot, i64(1))
            last = b.icmp_signed("==", next_slot, i64(self.of.ring))
            below = b.select(last, at(b, source, (1 - self.of.ring) * self.of.source.line), below)
            next_slot = b.select(last, i64(0), next_slot)
        made = [
            below,
            at(b, weights, self.of.kernel[1] * self.width * vectors.bytes),
            b.sub(left, i64(1)),
            next_slot,
            *self._row(vectors, b, source, weights, sums),
        ]
        for phi, value in zip(carried, made, strict=True):
            phi.add_incoming(value, b.block)
        b.branch(head)
        b.position_at_end(done)
        for pixel in range(self.pixels):
            for column in range(self.width):
                value = sums[pixel * self.width + column]
                if self.of.activation is not None:
                    value = apply(b, self.of.activation, value)
                store(b, value, result, pixel * self.of.result.row + column * vectors.bytes)

    def _row(self, vectors: Vectors, b: Builder, source: Value, weights: Value, given: Sequence[Value]) -> list[Value]:
        """The sums after one row of the kernel."""
        sums, taps = list(given), range(self.of.kernel[1])
        line: dict[tuple[int, int], Value] = {}  # the weights of a tap and a column, from the first input that meets it
        for place in range(*self.window):
            meets = [
                (pixel, tap)
                for pixel in range(self.pixels)
                for tap in taps
                if pixel * self.of.stride[1] + tap * self.of.dilation[1] == place
            ]
            for column in range(self.width if meets else 0):
                for _, tap in meets:
                    if (tap, column) not in line:
                        line[tap, column] = load(b, weights, vectors.type, (tap * self.width + column) * vectors.bytes)
                value = load(b, source, vectors.type, place * self.of.source.row + column * vectors.bytes)
                for pixel, tap in meets:
                    at_sum = pixel * self.width + column
                    # Pinned, or LLVM loads what later inputs need and leaves sums for the end of the row.
                    sums[at_sum] = pin(b, multiply_add(b, line[tap, column], value, sums[at_sum]))
        return sums


def groups(columns: int) -> list[tuple[int, int]]:
    """Groups of `columns` vectors: (width, how many)."""
    return [(width, count) for width, count in ((WIDTH, columns // WIDTH), (1, columns % WIDTH)) if count]


def pack(weights: NDArray[np.float32], bias: NDArray[np.float32], vectors: Vectors) -> NDArray[np.float32]:
    """The groups of (channels, height, width) `weights` and of (channels) `bias`."""
    channels = len(weights)
    taps = np.zeros((1 + weights[0].size, vectors.padded(channels)), np.float32)
    taps[0, :channels], taps[1:, :channels] = bias, weights.reshape(channels, -1).T
    packed, first = [], 0
    for width, count in groups(taps.shape[1] // vectors.lanes):
        for _ in range(count):
            packed.append(taps[:, first : first + width * vectors.lanes].ravel())
            first += width * vectors.lanes
    return np.concatenate(packed)
