"""Means over some axes, summed in double precision: a map's sum may have a hundred thousand terms."""

from __future__ import annotations

import math
from dataclasses import dataclass

from llvmlite import ir

from featherlight.compiler.code import FLOAT, Builder, Code, Value, at, fill, load, store, times
from featherlight.compiler.control import i64, loop, variable
from featherlight.compiler.kernels.dense.lanes import DOUBLE, add, along, double, like, single, together
from featherlight.compiler.kernels.dense.walk import UNIT, Shape, Walk, dense, nest, rows, walk
from featherlight.graph import kinds


@dataclass(frozen=True)
class Mean:
    """Pointers: the input, the output. `kept` walks both over the means, `gone` the input over what each is of."""

    kept: Walk
    gone: Walk

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "mean", 2, lambda b, *given: self._body(code, b, *given))

    def _body(self, code: Code, b: Builder, thread: Value, threads: Value, *pointers: Value) -> None:
        step, written = self.kept.steps
        across = step == 1 and self.kept.inner > 1  # a lane for each mean
        unit = UNIT if across else 1
        with rows(b, self.kept, thread, threads, pointers, unit) as ((x, y), start, stop):

            def some(index: Value, kind: ir.Type) -> None:
                first, last = (at(b, p, times(b, index, 4 * by)) for p, by in ((x, step), (y, written)))
                total = self._total(code, b, first, kind)
                count = fill(total.type, float(math.prod(self.gone.shape)))
                store(b, single(b, b.fdiv(total, count)), last)

            if across:
                along(b, code.vectors, start, stop, some)
            else:
                with loop(b, start, stop) as index:
                    some(index, FLOAT)

    def _total(self, code: Code, b: Builder, first: Value, kind: ir.Type) -> Value:
        """The sum for each lane from `first` on; for a single mean of adjacent numbers by vectors of them."""
        (strides,), inner = self.gone.strides, self.gone.inner
        if kind != FLOAT or self.gone.steps != (1,):
            total = variable(b, fill(like(kind, DOUBLE), 0.0))
            nest(b, self.gone.shape, strides, first, lambda p: _gather(b, total, load(b, p, kind)))
            return b.load(total)
        many, rest = (variable(b, fill(like(k, DOUBLE), 0.0)) for k in (code.vectors.type, FLOAT))

        def row(start: Value) -> None:
            def some(index: Value, kind: ir.Type) -> None:
                _gather(b, rest if kind == FLOAT else many, load(b, start, kind, times(b, index, 4)))

            along(b, code.vectors, i64(0), i64(inner), some)

        nest(b, self.gone.shape[:-1], strides[:-1], first, row)
        return b.fadd(together(b, b.load(many), add), b.load(rest))


def _gather(b: Builder, total: Value, x: Value) -> None:
    b.store(b.fadd(b.load(total), double(b, x)), total)


def mean(kind: kinds.Mean, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Mean:
    """The kernel; axes that stay with size 1 change nothing of it."""
    (x,) = inputs
    kept = [axis for axis in range(len(x)) if axis not in kind.axes]
    gone = [axis for axis in range(len(x)) if axis in kind.axes]
    strides, result = dense(x), tuple(x[axis] for axis in kept)
    return Mean(
        walk(result, [tuple(strides[axis] for axis in kept), dense(result)]),
        walk(tuple(x[axis] for axis in gone), [tuple(strides[axis] for axis in gone)]),
    )
