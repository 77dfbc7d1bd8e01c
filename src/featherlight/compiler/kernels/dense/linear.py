"""Weighted sums of a row's inputs: a row meets a few rows of weights at once, both by vectors."""

from __future__ import annotations

import math
from dataclasses import dataclass

from llvmlite import ir

from featherlight.compiler.code import FLOAT, Builder, Code, Value, at, fill, load, multiply_add, share, store, times
from featherlight.compiler.control import i64, least, loop, variable
from featherlight.compiler.kernels.dense.lanes import add, along, together
from featherlight.compiler.kernels.dense.walk import Shape
from featherlight.graph import kinds

AT_ONCE = 4  # rows of weights: so many sums are under way that none waits for the one before


@dataclass(frozen=True)
class Linear:
    """Pointers: x (rows, inputs), weight (outputs, inputs), bias (outputs) if there is one, and y (rows, outputs)."""

    rows: int
    inputs: int
    outputs: int
    bias: bool

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "linear", 3 + self.bias, lambda b, *given: self._body(code, b, *given))

    def _body(self, code: Code, b: Builder, thread: Value, threads: Value, *pointers: Value) -> None:
        x, weight, *bias, y = pointers
        block, line = min(AT_ONCE, self.outputs), 4 * self.inputs
        with loop(b, *share(b, thread, threads, -(-self.outputs // block) * self.rows), name="block") as index:
            # Rows come after each other, so that weights are read once; the last block begins early enough to be whole.
            row = b.urem(index, i64(self.rows))
            first = least(b, times(b, b.udiv(index, i64(self.rows)), block), i64(self.outputs - block))
            sums = self._sums(code, b, at(b, x, times(b, row, line)), at(b, weight, times(b, first, line)), block)
            for number, total in enumerate(sums):
                place = b.add(first, i64(number))
                if bias:
                    total = b.fadd(total, load(b, bias[0], FLOAT, times(b, place, 4)))
                store(b, total, y, times(b, b.add(times(b, row, self.outputs), place), 4))

    def _sums(self, code: Code, b: Builder, x: Value, weight: Value, block: int) -> list[Value]:
        totals = {kind: [variable(b, fill(kind, 0.0)) for _ in range(block)] for kind in (code.vectors.type, FLOAT)}

        def some(index: Value, kind: ir.Type) -> None:
            value = load(b, x, kind, times(b, index, 4))
            for number, total in enumerate(totals[kind]):
                factor = load(b, weight, kind, b.add(times(b, index, 4), i64(4 * number * self.inputs)))
                b.store(multiply_add(b, value, factor, b.load(total)), total)

        along(b, code.vectors, i64(0), i64(self.inputs), some)
        vectors, singles = totals.values()
        return [b.fadd(together(b, b.load(many), add), b.load(one)) for many, one in zip(vectors, singles, strict=True)]


def linear(kind: kinds.Linear, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Linear:
    """The kernel; every axis of x but the last is rows."""
    x, weight, *bias = inputs
    return Linear(math.prod(x[:-1]), weight[1], weight[0], bool(bias))
