"""Windows that slide over a map of rows (NCHW): which are whole, and what the others see of the map.

Outputs are made by vectors along a row. Where all lanes' windows lie within the map, plain loads find what a tap meets;
near the borders a mask holds back what lies outside, and a value that changes nothing stands in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from llvmlite import ir

from featherlight.compiler.code import FLOAT, VOID, Builder, Value, Vectors, at, clamp, fill, load, store, times
from featherlight.compiler.control import at_least, i64, least, loop
from featherlight.compiler.kernels.dense.lanes import I32, intrinsic
from featherlight.graph.kinds import AveragePool, Convolution, MaxPool, Pair

_ALIGNED = ir.Constant(I32, 4)


@dataclass(frozen=True)
class Windows:
    """`kernel` taps, `dilation` apart, every `stride` pixels of a map of `seen` pixels; `made` outputs.

    `before` is the padding above and to the left: windows begin so many pixels outside the map.
    """

    seen: Pair
    made: Pair
    kernel: Pair
    stride: Pair
    before: Pair
    dilation: Pair

    def blocks(self, vectors: Vectors) -> int:
        """How many vectors hold a row of outputs."""
        return -(-self.made[1] // vectors.lanes)

    def inside(self, vectors: Vectors) -> tuple[int, int]:
        """Those of a row's vectors whose lanes all see every column of their windows: from, up to."""
        reach = (self.kernel[1] - 1) * self.dilation[1]
        first = -(-self.before[1] // self.stride[1])
        last = min((self.seen[1] - 1 - reach + self.before[1]) // self.stride[1] + 1, self.made[1])
        begin = -(-first // vectors.lanes)
        return begin, max(begin, last // vectors.lanes)

    def rows(self, b: Builder, row: Value) -> tuple[Value, Value, Value]:
        """Where windows of a row of outputs begin, which may be outside; their taps within: from, up to."""
        start = b.sub(times(b, row, self.stride[0]), i64(self.before[0]))
        edges = (b.sub(i64(0), start), b.sub(i64(self.seen[0]), start))
        first, last = (self._taps_before(b, edge) for edge in edges)
        return start, first, at_least(b, first, least(b, last, i64(self.kernel[0])))

    def _taps_before(self, b: Builder, pixels: Value) -> Value:
        """How many taps of a column stand before so many pixels."""
        pixels = at_least(b, i64(0), pixels)
        return b.udiv(b.add(pixels, i64(self.dilation[0] - 1)), i64(self.dilation[0]))


def windows(
    kind: Convolution | MaxPool | AveragePool, x: tuple[int, ...], kernel: tuple[int, ...], y: tuple[int, ...]
) -> Windows:
    """The windows of a kind that takes the map x to y."""
    dilation = (1, 1) if isinstance(kind, AveragePool) else kind.dilation
    return Windows((x[2], x[3]), (y[2], y[3]), (kernel[0], kernel[1]), kind.stride, kind.padding[:2], dilation)


def cases(b: Builder, windows: Windows, vectors: Vectors, block: Value, body: Callable[[Block], None]) -> None:
    """`body` for a vector of a row's outputs, emitted for whole windows and for those at the borders as there are."""
    first, last = windows.inside(vectors)
    whole, border = Block(windows, vectors, block, False), Block(windows, vectors, block, True)
    if first == last:
        body(border)
    elif (first, last) == (0, windows.blocks(vectors)):
        body(whole)
    else:
        within = b.icmp_unsigned("<", b.sub(block, i64(first)), i64(last - first))
        with b.if_else(within) as (inner, outer):
            with inner:
                body(whole)
            with outer:
                body(border)


@dataclass(frozen=True)
class Tap:
    """Tap (u, v): the address of the map's row that it meets, and the column where the first lane's does."""

    u: Value
    v: Value
    line: Value
    place: Value


@dataclass(frozen=True)
class Block:
    """A vector of outputs of one row, number `index` of it; at a `border` some lanes see less, or are none."""

    windows: Windows
    vectors: Vectors
    index: Value
    border: bool

    def column(self, b: Builder) -> Value:
        """The first output's column."""
        return times(b, self.index, self.vectors.lanes)

    @contextmanager
    def taps(self, b: Builder, plane: Value, rows: tuple[Value, Value, Value]) -> Iterator[Tap]:
        """The block's instructions for each tap whose row is in the map."""
        start, first, last = rows
        windows = self.windows
        begin = b.sub(times(b, self.column(b), windows.stride[1]), i64(windows.before[1]))
        with loop(b, first, last, name="u") as u:
            row = b.add(start, times(b, u, windows.dilation[0]))
            line = at(b, plane, times(b, row, 4 * windows.seen[1]))
            with loop(b, i64(0), i64(windows.kernel[1]), name="v") as v:
                yield Tap(u, v, line, b.add(begin, times(b, v, windows.dilation[1])))

    def seen(self, b: Builder, tap: Tap, outside: float) -> Value:
        """What the tap meets in each lane; outside the map, `outside`."""
        kind, stride = self.vectors.type, self.windows.stride[1]
        rest = fill(kind, outside)
        first = at(b, tap.line, times(b, tap.place, 4))
        if stride == 1:
            if not self.border:
                return load(b, first, kind)
            name = f"llvm.masked.load.v{kind.count}f32.p0"
            return intrinsic(b, name, kind, first, _ALIGNED, self.within(b, tap), rest)
        found = ir.Constant(kind, ir.Undefined)
        for lane in range(kind.count):
            address = at(b, first, 4 * lane * stride)
            if self.border:
                place = b.add(tap.place, i64(lane * stride))
                place = clamp(b, place, i64(0), i64(self.windows.seen[1] - 1))
                address = at(b, tap.line, times(b, place, 4))
            found = b.insert_element(found, load(b, address, FLOAT), ir.Constant(I32, lane))
        return b.select(self.within(b, tap), found, rest) if self.border else found

    def within(self, b: Builder, tap: Tap) -> Value:
        """Whether the tap meets the map, for each lane."""
        return self._below(b, tap.place, self.windows.stride[1], self.windows.seen[1])

    def put(self, b: Builder, value: Value, plane: Value, row: Value) -> None:
        """Store the lanes that are outputs."""
        width, column = self.windows.made[1], self.column(b)
        address = at(b, plane, times(b, b.add(times(b, row, width), column), 4))
        if not self.border:
            store(b, value, address)
            return
        mask = self._below(b, column, 1, width)
        intrinsic(b, f"llvm.masked.store.v{self.vectors.lanes}f32.p0", VOID, value, address, _ALIGNED, mask)

    def _below(self, b: Builder, first: Value, step: int, end: int) -> Value:
        """Whether first + lane * step is from 0 on and below `end`, for each lane."""
        kind = ir.VectorType(I32, self.vectors.lanes)
        lanes = range(self.vectors.lanes)
        empty = ir.Constant(kind, ir.Undefined)
        one = b.insert_element(empty, b.trunc(first, I32), ir.Constant(I32, 0))
        spread = b.shuffle_vector(one, empty, ir.Constant(kind, [0 for _ in lanes]))
        places = b.add(spread, ir.Constant(kind, [lane * step for lane in lanes]))
        return b.icmp_unsigned("<", places, ir.Constant(kind, [end for _ in lanes]))
