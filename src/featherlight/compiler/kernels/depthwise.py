"""Depthwise convolution of maps whose channels lie side by side: each channel by itself.

A tile of `pixels` x `width` vectors of results along a line stays in registers. Each input is loaded once for all the
taps of a kernel's row that meet it. Taps that find nothing but padding are left out: which ones these are is known for
each tile of a line when the code is made, and for each line when it runs.

Weights are packed by groups of `width` vectors of channels: a group's biases, then a line for each tap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

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
    share,
    store,
    times,
)
from featherlight.compiler.control import I64, i64, loop
from featherlight.compiler.kernels.activation import ElementWise, apply
from featherlight.compiler.kernels.gemm import Strides

WIDTH = 2  # vectors of channels in a tile: with eight lanes a whole line of the cache
SMALL = 64  # results a channel has, up to which threads share the channels and not the lines


@dataclass(frozen=True)
class Depthwise:
    """Pointers: the source, the packed weights, the result.

    source, result  strides in bytes; `row` is from one pixel to the next
    size            height and width of the source's maps; `results` those of the result's
    columns         vectors of channels; lanes beyond the last channel hold what padded weights give
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

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "depthwise", 3, lambda b, *given: self._body(code, b, given))

    def _body(self, code: Code, b: Builder, given: Sequence[Value]) -> None:
        thread, threads, *pointers = given
        lines = (i64(0), i64(self.images * self.results[0]))
        small = self.results[0] * self.results[1] <= SMALL
        if not small:
            lines = share(b, thread, threads, self.images * self.results[0])
        total = sum(count for _, count in groups(self.columns))
        mine = share(b, thread, threads, total) if small else (i64(0), i64(total))
        first = 0
        for width, count in groups(self.columns):
            low, high = (clamp(b, b.sub(edge, i64(first)), i64(0), i64(count)) for edge in mine)
            before = first * WIDTH * code.vectors.bytes
            weights = (1 + self.kernel[0] * self.kernel[1]) * width * code.vectors.bytes
            packed = at(b, pointers[1], (1 + self.kernel[0] * self.kernel[1]) * before)
            with loop(b, low, high, name="group") as group, loop(b, *lines, name="line") as line:
                channel = b.add(times(b, group, width * code.vectors.bytes), i64(before))
                source, result = (at(b, pointer, channel) for pointer in (pointers[0], pointers[2]))
                self._line(code, b, width, line, (source, at(b, packed, times(b, group, weights)), result))
            first += count

    def _line(self, code: Code, b: Builder, width: int, line: Value, pointers: Sequence[Value]) -> None:
        """A line of results: which rows of the kernel meet the map, and the tiles of the line."""
        source, weights, result = pointers
        image, y = (b.udiv(line, i64(self.results[0])), b.urem(line, i64(self.results[0])))
        if self.images == 1:
            image, y = i64(0), line
        (rows, _), (down, _), (top, _) = self.kernel, self.dilation, self.padding
        above = b.sub(i64(top), times(b, y, self.stride[0]))  # how far the first tap lies above the map
        first = clamp(b, b.sdiv(b.add(above, i64(down - 1)), i64(down)), i64(0), i64(rows))
        below = b.add(above, i64(self.size[0] + down - 1))
        last = clamp(b, b.sdiv(below, i64(down)), i64(0), i64(rows))
        taps = self.kernel[1] * width * code.vectors.bytes
        source = at(b, source, times(b, image, self.source.image))
        source = at(b, source, b.mul(b.sub(times(b, first, down), above), i64(self.source.line)))
        result = at(b, at(b, result, times(b, image, self.result.image)), times(b, y, self.result.line))
        skipped, count = times(b, first, taps), b.sub(last, first)
        start = 0
        for tile, alike in groupby(self._tiles(width, code.vectors)):
            function, repeated = tile.emit(code), len(list(alike))
            with loop(b, i64(0), i64(repeated), name="tile") as index:
                x = b.add(times(b, index, tile.pixels), i64(start))
                column = b.sub(times(b, b.mul(x, i64(self.stride[1])), self.source.row), i64(self._left_bytes))
                place = at(b, result, times(b, x, self.result.row))
                b.call(function, [at(b, source, column), weights, place, count, skipped])
            start += repeated * tile.pixels

    @property
    def _left_bytes(self) -> int:
        return self.padding[1] * self.source.row

    def _tiles(self, width: int, vectors: Vectors) -> list[_Tile]:
        """The tiles of a line from left to right."""
        most = (vectors.registers - 4) // (width + 1)  # leaves room for the weights of a row and an input
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
            tiles.append(_Tile(width, pixels, window, self))
            start += pixels
        return tiles


@dataclass(frozen=True)
class _Tile:
    """Pointers: the source at the tile's first tap of the first row that counts, weights, the result; then how many
    rows of the kernel count, and the bytes of weights of those above.

    window  which inputs of a line lie in the map, counted from the first tap of the first pixel
    """

    width: int
    pixels: int
    window: tuple[int, int]
    of: Depthwise

    def emit(self, code: Code) -> ir.Function:
        key = (self.width, self.pixels, self.window, self.of.kernel[1], self.of.stride[1], self.of.dilation,
               self.of.source.row, self.of.source.line, self.of.result.row, self.of.activation)  # fmt: skip
        return code.function(key, "taps", 3, lambda b, *given: self._body(code.vectors, b, given), numbers=2)

    def _body(self, vectors: Vectors, b: Builder, given: Sequence[Value]) -> None:
        source, weights, result, count, skipped = given
        bias = [load(b, weights, vectors.type, column * vectors.bytes) for column in range(self.width)]
        sums = [bias[column] for _ in range(self.pixels) for column in range(self.width)]
        weights = at(b, at(b, weights, self.width * vectors.bytes), skipped)
        before, head, body, done = (b.block, *(b.append_basic_block(name) for name in ("head", "row", "done")))
        b.branch(head)
        b.position_at_end(head)
        carried = [b.phi(value.type) for value in (source, weights, count, *sums)]
        for phi, value in zip(carried, (source, weights, count, *sums), strict=True):
            phi.add_incoming(value, before)
        source, weights, left, *sums = carried
        b.cbranch(b.icmp_signed(">", left, i64(0)), body, done)
        b.position_at_end(body)
        made = [
            at(b, source, self.of.dilation[0] * self.of.source.line),
            at(b, weights, self.of.kernel[1] * self.width * vectors.bytes),
            b.sub(left, ir.Constant(I64, 1)),
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
        line = [
            [load(b, weights, vectors.type, (tap * self.width + column) * vectors.bytes) for tap in taps]
            for column in range(self.width)
        ]
        for place in range(*self.window):
            meets = [
                (pixel, tap)
                for pixel in range(self.pixels)
                for tap in taps
                if pixel * self.of.stride[1] + tap * self.of.dilation[1] == place
            ]
            for column in range(self.width if meets else 0):
                value = load(b, source, vectors.type, place * self.of.source.row + column * vectors.bytes)
                for pixel, tap in meets:
                    at_sum = pixel * self.width + column
                    sums[at_sum] = multiply_add(b, value, line[column][tap], sums[at_sum])
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
