"""Expansion, depthwise convolution and projection line by line: the wide maps between them are never in memory.

The block of MobileNet v2 (Sandler et al. 2018, section 3.3), whole or without its first or last part. A line of the
depthwise convolution needs as many lines of the expanded map as its kernel is high: they are kept in a ring on the
thread's own stack, and each is expanded when the first result needs it. The line that comes of them is projected at
once. Threads share the lines of results; where their shares meet, both expand the lines that both need.

Where the wide maps are larger than the second cache this saves writing them to the third and reading them back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from featherlight.compiler.code import Builder, Code, Value, at, clamp, room, share, times
from featherlight.compiler.control import i64, loop, variable
from featherlight.compiler.kernels.depthwise import Depthwise, Row
from featherlight.compiler.kernels.gemm import Gemm, Strides


@dataclass(frozen=True)
class Block:
    """Pointers: the source, the packed weights of each part, the result, and what is added where there is a residual.

    depthwise        reads a ring of lines where there is an expansion, else the source
    expand, project  the products of one line, where there are any
    source, result, residual  bytes from an image and from a line to the next
    """

    depthwise: Depthwise
    source: Strides
    result: Strides
    expand: Gemm | None = None
    project: Gemm | None = None
    residual: Strides | None = None

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        parts = (self.expand, self.project, self.residual)
        return code.kernel(self, "block", 3 + sum(part is not None for part in parts),
                           lambda b, *given: self._body(code, b, given))  # fmt: skip

    def _body(self, code: Code, b: Builder, given: Sequence[Value]) -> None:
        thread, threads, source, *pointers = given
        expanding = pointers.pop(0) if self.expand is not None else None
        weights = pointers.pop(0)
        projecting = pointers.pop(0) if self.project is not None else None
        result, *residual = pointers
        lines = self.depthwise
        ring = None if expanding is None else room(b, lines.ring * lines.source.line)
        made = None if projecting is None else room(b, lines.results[1] * lines.result.row)
        ready = variable(b, i64(-1))
        b.store(i64(-1), ready)
        with loop(b, *share(b, thread, threads, lines.images * lines.results[0]), name="line") as line:
            image, y = b.udiv(line, i64(lines.results[0])), b.urem(line, i64(lines.results[0]))
            top = b.sub(times(b, y, lines.stride[0]), i64(lines.padding[0]))
            begin, end = (
                clamp(b, edge, i64(0), i64(lines.size[0])) for edge in (top, b.add(top, i64(lines.kernel[0])))
            )
            of_image, slot = at(b, source, times(b, image, self.source.image)), i64(0)
            first = at(b, of_image, times(b, begin, self.source.line))
            if self.expand is not None and ring is not None:
                self._expand(code, b, self.expand, (of_image, expanding, ring), ready, (y, begin, end))
                slot = b.urem(begin, i64(lines.ring))
                first = at(b, ring, times(b, slot, lines.source.line))
            to = _of(b, result, self.result, image, y)
            count, skipped = b.sub(end, begin), b.sub(begin, top)
            lines.line(code, b, Row(first, weights, to if made is None else made, count, skipped, slot))
            if self.project is not None:
                added = [] if self.residual is None else [_of(b, residual[0], self.residual, image, y)]
                b.call(self.project.emit(code), [i64(0), i64(1), made, projecting, to, *added])

    def _expand(
        self, code: Code, b: Builder, expand: Gemm, pointers: tuple[Value, ...], ready: Value, lines: tuple[Value, ...]
    ) -> None:
        """Expand what the ring lacks of the lines from `begin` to `end`."""
        (source, weights, ring), (y, begin, end) = pointers, lines
        # Lines that this thread expanded for the result before stay; at an image's beginning nothing does.
        afresh = b.or_(b.icmp_signed("==", y, i64(0)), b.icmp_signed("<", b.load(ready), begin))
        with loop(b, b.select(afresh, begin, b.load(ready)), end, name="expanded") as index:
            place = at(b, ring, times(b, b.urem(index, i64(self.depthwise.ring)), self.depthwise.source.line))
            given = at(b, source, times(b, index, self.source.line))
            b.call(expand.emit(code), [i64(0), i64(1), given, weights, place])
        b.store(end, ready)


def _of(b: Builder, pointer: Value, strides: Strides, image: Value, line: Value) -> Value:
    return at(b, at(b, pointer, times(b, image, strides.image)), times(b, line, strides.line))
