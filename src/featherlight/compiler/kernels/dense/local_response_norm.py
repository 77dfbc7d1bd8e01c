"""Each number divided by a power of the squares of its neighbours in other channels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from llvmlite import ir

from featherlight.compiler.code import Builder, Code, Value, at, fill, load, multiply_add, share, store, times
from featherlight.compiler.control import at_least, i64, least, loop, variable
from featherlight.compiler.kernels.dense.lanes import along
from featherlight.compiler.kernels.dense.walk import Shape
from featherlight.compiler.kernels.exponential import power
from featherlight.graph import kinds


@dataclass(frozen=True)
class LocalResponseNorm:
    """Pointers: the input, the output, of (images, channels, inner)."""

    kind: kinds.LocalResponseNorm
    images: int
    channels: int
    inner: int

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "local_response_norm", 2, lambda b, *given: self._body(code, b, *given))

    def _body(self, code: Code, b: Builder, thread: Value, threads: Value, x: Value, y: Value) -> None:
        plane = 4 * self.inner
        with loop(b, *share(b, thread, threads, self.images * self.channels), name="plane") as row:
            channel = b.urem(row, i64(self.channels))
            image = at(b, x, times(b, b.sub(row, channel), plane))
            first = b.sub(channel, i64((self.kind.size - 1) // 2))
            last = least(b, b.add(first, i64(self.kind.size)), i64(self.channels))
            first = at_least(b, i64(0), first)

            def some(index: Value, kind: ir.Type) -> None:
                within = times(b, index, 4)
                total = variable(b, fill(kind, 0.0))
                with loop(b, first, last, name="channel") as other:
                    seen = load(b, image, kind, b.add(times(b, other, plane), within))
                    b.store(multiply_add(b, seen, seen, b.load(total)), total)
                offset = b.add(times(b, row, plane), within)
                store(b, self._divided(b, load(b, x, kind, offset), b.load(total)), y, offset)

            along(b, code.vectors, i64(0), i64(self.inner), some)

    def _divided(self, b: Builder, x: Value, squares: Value) -> Value:
        kind = self.kind
        base = multiply_add(b, squares, fill(x.type, kind.alpha / kind.size), fill(x.type, kind.bias))
        return b.fdiv(x, power(b, base, kind.beta))


def local_response_norm(
    kind: kinds.LocalResponseNorm, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]
) -> LocalResponseNorm:
    """The kernel."""
    (x,) = inputs
    return LocalResponseNorm(kind, x[0], x[1], math.prod(x[2:]))
