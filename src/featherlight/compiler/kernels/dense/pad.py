"""A tensor inside a frame of a constant."""

from __future__ import annotations

import math
from dataclasses import dataclass

from llvmlite import ir

from featherlight.compiler.code import Builder, Code, Value, at, fill, load, share, store, times
from featherlight.compiler.control import i64, loop
from featherlight.compiler.kernels.dense.lanes import along
from featherlight.compiler.kernels.dense.walk import Shape, coordinates, dense, offset
from featherlight.graph import kinds


@dataclass(frozen=True)
class Pad:
    """Pointers: the input, the output. Each row of the output is written by one thread, frame and all."""

    kind: kinds.Pad
    inner: Shape

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "pad", 2, lambda b, *given: self._body(code, b, *given))

    def _body(self, code: Code, b: Builder, thread: Value, threads: Value, x: Value, y: Value) -> None:
        before, after = self.kind.before, self.kind.after
        outer = tuple(low + size + high for low, size, high in zip(before, self.inner, after, strict=True))
        width = outer[-1]
        with loop(b, *share(b, thread, threads, math.prod(outer[:-1])), name="row") as row:
            target = at(b, y, times(b, row, 4 * width))
            place = [
                b.sub(index, i64(low)) for index, low in zip(coordinates(b, row, outer[:-1]), before, strict=False)
            ]
            seen = ir.Constant(ir.IntType(1), 1)
            for index, size in zip(place, self.inner, strict=False):
                seen = b.and_(seen, b.icmp_unsigned("<", index, i64(size)))
            with b.if_else(seen) as (inside, outside):
                with inside:
                    source = at(b, offset(b, x, place, dense(self.inner)[:-1]), -4 * before[-1])
                    left, right = i64(before[-1]), i64(before[-1] + self.inner[-1])
                    self._fill(code, b, target, i64(0), left)
                    self._copy(code, b, source, target, left, right)
                    self._fill(code, b, target, right, i64(width))
                with outside:
                    self._fill(code, b, target, i64(0), i64(width))

    def _fill(self, code: Code, b: Builder, target: Value, start: Value, stop: Value) -> None:
        def some(index: Value, kind: ir.Type) -> None:
            store(b, fill(kind, self.kind.value), target, times(b, index, 4))

        along(b, code.vectors, start, stop, some)

    def _copy(self, code: Code, b: Builder, source: Value, target: Value, start: Value, stop: Value) -> None:
        def some(index: Value, kind: ir.Type) -> None:
            store(b, load(b, source, kind, times(b, index, 4)), target, times(b, index, 4))

        along(b, code.vectors, start, stop, some)


def pad(kind: kinds.Pad, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Pad:
    """The kernel."""
    (x,) = inputs
    return Pad(kind, x)
