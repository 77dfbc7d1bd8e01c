"""The first convolution, of a caller's planes, line by line: padding is put around a few lines in the first cache.

The planes lie as the caller gave them. Framing all of them first would write and read them once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from featherlight.compiler.code import Builder, Code, Value, at, room, share, times
from featherlight.compiler.control import i64, loop
from featherlight.compiler.kernels.gemm import Gemm, Strides
from featherlight.compiler.kernels.lines import copy, put

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Stem:
    """Pointers: planes (N, C, H, W), the packed weights, the result.

    size              channels, height and width of the planes
    lines             of results in an image
    kernel, stride    down a plane
    top, left, right  zeros around it; below as many as the last line needs
    product           of one line of results, whose source are the lines of the planes that it needs, plane by plane
    """

    images: int
    size: tuple[int, int, int]
    lines: int
    kernel: int
    stride: int
    top: int
    left: int
    right: int
    product: Gemm
    result: Strides

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "stem", 3, lambda b, *given: self._body(code, b, given))

    def _body(self, code: Code, b: Builder, given: Sequence[Value]) -> None:
        thread, threads, planes, weights, result = given
        channels, height, width = self.size
        wide = FLOAT_BYTES * (self.left + width + self.right)
        held = room(b, channels * self.kernel * wide)
        with loop(b, *share(b, thread, threads, self.images * self.lines), name="line") as line:
            image, y = b.udiv(line, i64(self.lines)), b.urem(line, i64(self.lines))
            first = b.sub(times(b, y, self.stride), i64(self.top))
            of_image = at(b, planes, times(b, image, FLOAT_BYTES * channels * height * width))
            with (
                loop(b, i64(0), i64(channels), name="channel") as channel,
                loop(b, i64(0), i64(self.kernel), name="row") as row,
            ):
                to = at(b, held, times(b, b.add(times(b, channel, self.kernel), row), wide))
                source = b.add(first, row)
                there = b.icmp_unsigned("<", source, i64(height))
                with b.if_else(there) as (inside, beyond):
                    with inside:
                        plane = at(b, of_image, times(b, channel, FLOAT_BYTES * height * width))
                        put(code, b, to, self.left, 0.0)
                        copy(code, b, at(b, plane, times(b, source, FLOAT_BYTES * width)),
                             at(b, to, FLOAT_BYTES * self.left), width)  # fmt: skip
                        put(code, b, at(b, to, FLOAT_BYTES * (self.left + width)), self.right, 0.0)
                    with beyond:
                        put(code, b, to, wide // FLOAT_BYTES, 0.0)
            place = at(b, at(b, result, times(b, image, self.result.image)), times(b, y, self.result.line))
            b.call(self.product.emit(code), [i64(0), i64(1), held, weights, place])
