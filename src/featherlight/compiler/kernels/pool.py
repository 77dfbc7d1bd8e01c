"""Pooling of maps whose channels lie side by side: over windows, and over whole maps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce

from llvmlite import ir

from featherlight.compiler.code import (
    FLOAT,
    Builder,
    Code,
    Value,
    at,
    clamp,
    fill,
    larger,
    load,
    share,
    spread,
    store,
    times,
)
from featherlight.compiler.control import i64, loop, variable
from featherlight.compiler.kernels.activation import ElementWise, apply
from featherlight.compiler.kernels.gemm import Strides

LARGE = 64  # taps of a window from which on they are a loop
MEAN_WIDTH = 4  # vectors of channels that are summed side by side


@dataclass(frozen=True)
class Pool:
    """The largest or the mean of each window. Pointers: the source, the result.

    divisor     what sums are divided by; None divides by how many elements of the window lie in the map
    activation  a function of what comes of it
    """

    largest: bool
    images: int
    size: tuple[int, int]
    results: tuple[int, int]
    columns: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    source: Strides
    result: Strides
    divisor: int | None = None
    activation: ElementWise | None = None

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "pool", 2, lambda b, *given: self._body(code, b, given))

    def _body(self, code: Code, b: Builder, given: Sequence[Value]) -> None:
        thread, threads, source, result = given
        with loop(b, *share(b, thread, threads, self.images * self.results[0]), name="line") as line:
            image, y = b.udiv(line, i64(self.results[0])), b.urem(line, i64(self.results[0]))
            rows = self._met(b, y, 0)
            of_image = at(b, source, times(b, image, self.source.image))
            to = at(b, at(b, result, times(b, image, self.result.image)), times(b, y, self.result.line))
            with loop(b, i64(0), i64(self.results[1]), name="x") as x:
                taps, place = self._met(b, x, 1), at(b, to, times(b, x, self.result.row))
                large = self.kernel[0] * self.kernel[1] > LARGE
                write = self._by_taps if large else self._by_place
                write(code, b, of_image, place, rows, taps)

    def _by_taps(
        self, code: Code, b: Builder, source: Value, place: Value, rows: tuple[Value, ...], taps: tuple[Value, ...]
    ) -> None:
        """Write a pixel whose window is walked through tap by tap, as far as it lies in the map."""
        with self._columns(code, b) as offset:
            value = self._window(code, b, at(b, source, offset), rows, taps)
            store(b, self._ended(b, value), place, offset)

    def _by_place(
        self, code: Code, b: Builder, source: Value, place: Value, rows: tuple[Value, ...], taps: tuple[Value, ...]
    ) -> None:
        """Write a pixel whose window is no loop where all of it lies in the map."""
        inside = b.and_(self._whole(b, rows, 0), self._whole(b, taps, 1))
        with b.if_else(inside) as (within, beyond):
            with within:
                begin = at(b, at(b, source, times(b, rows[0], self.source.line)), times(b, taps[0], self.source.row))
                with self._columns(code, b) as offset:
                    store(b, self._ended(b, self._inner(code, b, at(b, begin, offset))), place, offset)
            with beyond:
                self._by_taps(code, b, source, place, rows, taps)

    def _ended(self, b: Builder, value: Value) -> Value:
        return value if self.activation is None else apply(b, self.activation, value)

    @contextmanager
    def _columns(self, code: Code, b: Builder) -> Iterator[Value]:
        with loop(b, i64(0), i64(self.columns), name="column") as column:
            yield times(b, column, code.vectors.bytes)

    def _whole(self, b: Builder, met: tuple[Value, Value, Value], axis: int) -> Value:
        """Whether all of a window lies in the map along an axis."""
        _, first, last = met
        return b.icmp_signed("==", b.sub(last, first), i64(self.kernel[axis]))

    def _inner(self, code: Code, b: Builder, source: Value) -> Value:
        """The value of a window without padding, its taps one after the other."""
        kind = code.vectors.type
        values = [
            load(b, source, kind, y * self.dilation[0] * self.source.line + x * self.dilation[1] * self.source.row)
            for y in range(self.kernel[0])
            for x in range(self.kernel[1])
        ]
        if not self.largest:
            return b.fdiv(reduce(b.fadd, values), fill(kind, float(self.kernel[0] * self.kernel[1])))
        # A comparison with what is not a number says no: so these are looked for beside it.
        missing = reduce(b.or_, [b.fcmp_unordered("uno", value, value) for value in values])
        largest = reduce(lambda kept, value: larger(b, kept, value), values)
        return b.select(missing, fill(kind, math.nan), largest)

    def _met(self, b: Builder, index: Value, axis: int) -> tuple[Value, Value, Value]:
        """Where a window begins along an axis, and which of its taps lie in the map: the first, one after the last."""
        begin = b.sub(times(b, index, self.stride[axis]), i64(self.padding[axis]))
        by, most = self.dilation[axis], i64(self.kernel[axis])
        first = clamp(b, b.sdiv(b.sub(i64(by - 1), begin), i64(by)), i64(0), most)
        last = clamp(b, b.sdiv(b.sub(i64(self.size[axis] + by - 1), begin), i64(by)), i64(0), most)
        return begin, first, last

    def _window(self, code: Code, b: Builder, source: Value, rows: tuple[Value, ...], taps: tuple[Value, ...]) -> Value:
        kind = code.vectors.type
        found = variable(b, fill(kind, -math.inf if self.largest else 0.0))
        (top, *row_range), (left, *tap_range) = rows, taps
        with loop(b, row_range[0], row_range[1]) as row, loop(b, tap_range[0], tap_range[1]) as tap:
            down = times(b, b.add(top, times(b, row, self.dilation[0])), self.source.line)
            across = times(b, b.add(left, times(b, tap, self.dilation[1])), self.source.row)
            value = load(b, at(b, source, down), kind, across)
            kept = b.load(found)
            if self.largest:  # what is not a number stays, whichever side it comes from
                wins = b.or_(b.fcmp_unordered(">", value, kept), b.fcmp_unordered("uno", value, value))
                kept_number = b.fcmp_ordered("ord", kept, kept)
                value = b.select(b.and_(wins, kept_number), value, kept)
            else:
                value = b.fadd(kept, value)
            b.store(value, found)
        value = b.load(found)
        if self.largest:
            return value
        if self.divisor is not None:
            return b.fdiv(value, fill(kind, float(self.divisor)))
        count = b.mul(*(b.sub(last, first) for first, last in (row_range, tap_range)))
        return b.fdiv(value, spread(b, b.sitofp(count, FLOAT), kind))


@dataclass(frozen=True)
class MapMean:
    """The mean of each channel over a whole map. Pointers: the source, the result."""

    images: int
    pixels: int
    columns: int
    source: Strides  # a row is a pixel
    result: int  # bytes from an image to the next

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "mean", 2, lambda b, *given: self._body(code, b, given))

    def _body(self, code: Code, b: Builder, given: Sequence[Value]) -> None:
        thread, threads, source, result = given
        kind = code.vectors.type
        whole, left = divmod(self.columns, MEAN_WIDTH)
        low, high = share(b, thread, threads, whole + (left > 0))
        for width, first, count in ((MEAN_WIDTH, 0, whole), (left, whole, 1 if left else 0)):
            if not count:
                continue
            begin, end = (clamp(b, edge, i64(first), i64(first + count)) for edge in (low, high))
            with loop(b, i64(0), i64(self.images), name="image") as image, loop(b, begin, end, name="group") as group:
                offset = times(b, group, MEAN_WIDTH * code.vectors.bytes)
                at_image = at(b, at(b, source, times(b, image, self.source.image)), offset)
                sums = [variable(b, fill(kind, 0.0)) for _ in range(width)]
                with loop(b, i64(0), i64(self.pixels), name="pixel") as pixel:
                    place = at(b, at_image, times(b, pixel, self.source.row))
                    for column, total in enumerate(sums):
                        value = load(b, place, kind, column * code.vectors.bytes)
                        b.store(b.fadd(b.load(total), value), total)
                to = at(b, at(b, result, times(b, image, self.result)), offset)
                for column, total in enumerate(sums):
                    mean = b.fmul(b.load(total), fill(kind, 1 / self.pixels))
                    store(b, mean, to, column * code.vectors.bytes)
