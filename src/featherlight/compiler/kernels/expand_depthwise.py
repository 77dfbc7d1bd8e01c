"""A pointwise convolution and the depthwise one after it, line by line: the expanded map is never in memory.

What a line of results needs of the expanded map are as many lines as the kernel is high. They are kept in a ring on the
thread's own stack, small enough for the second cache, and each is expanded when the first result needs it. Threads
share the lines of results; where their shares meet, both expand the lines that both need.

Where the expanded map is larger than the second cache this saves writing it to the third and reading it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from featherlight.compiler.code import Builder, Code, Value, at, clamp, share, times
from featherlight.compiler.control import i64, loop, variable
from featherlight.compiler.kernels.depthwise import Depthwise, Row
from featherlight.compiler.kernels.gemm import Gemm

_BYTE = ir.IntType(8)
ALIGNMENT = 64  # bytes


@dataclass(frozen=True)
class ExpandDepthwise:
    """Pointers: the source, the packed weights of both, the result.

    expand     the product of one line of the source
    depthwise  reads a ring of such lines
    image, line  bytes from an image and a line of the source to the next
    """

    expand: Gemm
    depthwise: Depthwise
    image: int
    line: int

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "expand_depthwise", 4, lambda b, *given: self._body(code, b, given))

    def _body(self, code: Code, b: Builder, given: Sequence[Value]) -> None:
        thread, threads, source, expanding, weights, result = given
        lines, ring = self.depthwise, self.depthwise.ring
        size = ring * lines.source.line
        room = b.alloca(_BYTE, size=i64(size + 2 * ALIGNMENT))
        room.align = ALIGNMENT
        ready, (first, last) = variable(b, i64(0)), share(b, thread, threads, lines.images * lines.results[0])
        b.store(i64(-1), ready)
        with loop(b, first, last, name="line") as line:
            image, y = b.udiv(line, i64(lines.results[0])), b.urem(line, i64(lines.results[0]))
            top = b.sub(times(b, y, lines.stride[0]), i64(lines.padding[0]))
            begin = clamp(b, top, i64(0), i64(lines.size[0]))
            end = clamp(b, b.add(top, i64(lines.kernel[0])), i64(0), i64(lines.size[0]))
            # Lines that this thread expanded for the result before stay; at an image's beginning nothing does.
            afresh = b.or_(b.icmp_signed("==", y, i64(0)), b.icmp_signed("<", b.load(ready), begin))
            low = b.select(afresh, begin, b.load(ready))
            of_image = at(b, source, times(b, image, self.image))
            with loop(b, low, end, name="expanded") as index:
                place = at(b, room, times(b, b.urem(index, i64(ring)), lines.source.line))
                given_line = at(b, of_image, times(b, index, self.line))
                b.call(self.expand.emit(code), [i64(0), i64(1), given_line, expanding, place])
            b.store(end, ready)
            slot = b.urem(begin, i64(ring))
            to = at(b, at(b, result, times(b, image, lines.result.image)), times(b, y, lines.result.line))
            at_slot = at(b, room, times(b, slot, lines.source.line))
            row = Row(at_slot, weights, to, b.sub(end, begin), b.sub(begin, top), slot)
            lines.line(code, b, row)


