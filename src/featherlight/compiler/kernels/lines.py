"""Moving maps line by line: into a frame of zeros, from several pieces into one, from one layout to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from featherlight.compiler.code import FLOAT, Builder, Code, Value, at, fill, load, share, store, times
from featherlight.compiler.control import i64, loop

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Frame:
    """Lines of `count` floats, framed by `fill`. Pointers: the source, the result.

    lines                  of the source, in each image
    above, below           lines of the frame
    left, right            floats of the frame beside each line
    image, line            bytes from an image and a line of the source to the next; the result's lie close together
    """

    images: int
    lines: int
    count: int
    above: int
    below: int
    left: int
    right: int
    image: int
    line: int
    fill: float = 0.0

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "frame", 2, lambda b, *given: self._body(code, b, given))

    def _body(self, code: Code, b: Builder, given: Sequence[Value]) -> None:
        thread, threads, source, result = given
        lines, wide = self.above + self.lines + self.below, self.left + self.count + self.right
        with loop(b, *share(b, thread, threads, self.images * lines), name="line") as line:
            image, y = b.udiv(line, i64(lines)), b.urem(line, i64(lines))
            begin = at(b, result, times(b, line, wide * FLOAT_BYTES))
            inside = b.sub(y, i64(self.above))
            with b.if_else(b.icmp_unsigned("<", inside, i64(self.lines))) as (there, beyond):
                with there:
                    put(code, b, begin, self.left, self.fill)
                    found = at(b, at(b, source, times(b, image, self.image)), times(b, inside, self.line))
                    copy(code, b, found, at(b, begin, self.left * FLOAT_BYTES), self.count)
                    put(code, b, at(b, begin, (self.left + self.count) * FLOAT_BYTES), self.right, self.fill)
                with beyond:
                    put(code, b, begin, wide, self.fill)


@dataclass(frozen=True)
class Strided:
    """Floats counted by four indices, each with its stride in bytes. Pointers: the source, the result."""

    counts: tuple[int, int, int, int]
    source: tuple[int, int, int, int]
    result: tuple[int, int, int, int]

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "strided", 2, lambda b, *given: self._body(code, b, given))

    def _body(self, code: Code, b: Builder, given: Sequence[Value]) -> None:
        thread, threads, *pointers = given
        first, second, third, last = self.counts
        with loop(b, *share(b, thread, threads, first * second), name="outer") as outer:
            a, c = b.udiv(outer, i64(second)), b.urem(outer, i64(second))
            with loop(b, i64(0), i64(third), name="third") as d:
                source, result = (
                    at(b, at(b, at(b, pointer, times(b, a, by[0])), times(b, c, by[1])), times(b, d, by[2]))
                    for pointer, by in zip(pointers, (self.source, self.result), strict=True)
                )
                if self.source[3] == self.result[3] == FLOAT_BYTES:
                    copy(code, b, source, result, last)
                else:
                    with loop(b, i64(0), i64(last), name="last") as e:
                        value = load(b, source, FLOAT, times(b, e, self.source[3]))
                        store(b, value, result, times(b, e, self.result[3]))


def copy(code: Code, b: Builder, source: Value, result: Value, count: int) -> None:
    """Copy `count` floats that lie side by side."""
    vectors = count // code.vectors.lanes * code.vectors.lanes
    for kind, low, high, step in ((code.vectors.type, 0, vectors, code.vectors.lanes), (FLOAT, vectors, count, 1)):
        if low < high:
            with loop(b, i64(low), i64(high), step, "float") as index:
                offset = times(b, index, FLOAT_BYTES)
                store(b, load(b, source, kind, offset), result, offset)


def put(code: Code, b: Builder, result: Value, count: int, number: float) -> None:
    """Put a number into `count` floats that lie side by side."""
    vectors = count // code.vectors.lanes * code.vectors.lanes
    for kind, low, high, step in ((code.vectors.type, 0, vectors, code.vectors.lanes), (FLOAT, vectors, count, 1)):
        if low < high:
            with loop(b, i64(low), i64(high), step, "float") as index:
                store(b, fill(kind, number), result, times(b, index, FLOAT_BYTES))
