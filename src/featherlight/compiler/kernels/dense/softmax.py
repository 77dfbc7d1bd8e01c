"""Softmax and its logarithm along any axis; exponentials are summed in double precision."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from llvmlite import ir

from featherlight.compiler.code import FLOAT, Builder, Code, Value, at, fill, load, spread, store, times
from featherlight.compiler.control import i64, loop, variable
from featherlight.compiler.kernels.dense.lanes import DOUBLE, add, along, double, largest, like, single, together
from featherlight.compiler.kernels.dense.walk import Shape, Walk, rows, walk
from featherlight.compiler.kernels.exponential import exponential, logarithm
from featherlight.graph import kinds


@dataclass(frozen=True)
class Softmax:
    """Pointers: the input, the output, of (outer, count, inner): a softmax over each `count`."""

    log: bool
    outer: int
    count: int
    inner: int

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "softmax", 2, lambda b, *given: self._body(code, b, *given))

    def _body(self, code: Code, b: Builder, thread: Value, threads: Value, *pointers: Value) -> None:
        step = self.count * self.inner
        if self.inner == 1:
            places = Walk((self.outer,), ((step,), (step,)))
            with rows(b, places, thread, threads, pointers, 1) as ((x, y), start, stop), loop(b, start, stop) as row:
                line = _Line(code, self.count, 1, (code.vectors.type, FLOAT))
                self._one(b, line, *(at(b, p, times(b, row, 4 * step)) for p in (x, y)))
        else:
            places = walk((self.outer, self.inner), [(step, 1), (step, 1)])
            with rows(b, places, thread, threads, pointers) as ((x, y), start, stop):

                def some(index: Value, kind: ir.Type) -> None:
                    line = _Line(code, self.count, self.inner, (kind,))
                    self._one(b, line, *(at(b, p, times(b, index, 4)) for p in (x, y)))

                along(b, code.vectors, start, stop, some)

    def _one(self, b: Builder, line: _Line, x: Value, y: Value) -> None:
        most = line.gather(b, FLOAT, -math.inf, lambda offset, kind: load(b, x, kind, offset), largest)

        def lowered(offset: Value, kind: ir.Type) -> Value:
            return b.fsub(load(b, x, kind, offset), _lanes(b, most, kind))

        def raised(offset: Value, kind: ir.Type) -> Value:
            value = exponential(b, lowered(offset, kind))
            if not self.log:
                store(b, value, y, offset)
            return double(b, value)

        total = single(b, line.gather(b, DOUBLE, 0.0, raised, add))
        whole = logarithm(b, total) if self.log else total

        def last(offset: Value, kind: ir.Type) -> None:
            if self.log:
                value = b.fsub(lowered(offset, kind), _lanes(b, whole, kind))
            else:
                value = b.fdiv(load(b, y, kind, offset), _lanes(b, whole, kind))
            store(b, value, y, offset)

        line.each(b, last)


@dataclass(frozen=True)
class _Line:
    """`count` numbers, `step` floats apart: one line by vectors and a rest, or a line in each lane of one kind."""

    code: Code
    count: int
    step: int
    kinds: tuple[ir.Type, ...]

    def each(self, b: Builder, body: Callable[[Value, ir.Type], None]) -> None:
        """`body(offset in bytes, kind)` all along."""
        if len(self.kinds) > 1:
            many = self.code.vectors
            along(b, many, i64(0), i64(self.count), lambda index, kind: body(times(b, index, 4), kind))
        else:
            with loop(b, i64(0), i64(self.count)) as index:
                body(times(b, index, 4 * self.step), self.kinds[0])

    def gather(
        self,
        b: Builder,
        element: ir.Type,
        first: float,
        value: Callable[[Value, ir.Type], Value],
        combine: Callable[[Builder, Value, Value], Value],
    ) -> Value:
        """The values combined, from `first` on: a number for each line."""
        totals = {kind: variable(b, fill(like(kind, element), first)) for kind in self.kinds}

        def some(offset: Value, kind: ir.Type) -> None:
            b.store(combine(b, b.load(totals[kind]), value(offset, kind)), totals[kind])

        self.each(b, some)
        whole, *rest = (b.load(total) for total in totals.values())
        return combine(b, together(b, whole, combine), *rest) if rest else whole


def _lanes(b: Builder, value: Value, kind: ir.Type) -> Value:
    """A line's number for each of its numbers: in every lane, where lanes are not lines of their own."""
    return value if value.type == kind else spread(b, value, kind)


def softmax(kind: kinds.Softmax | kinds.LogSoftmax, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Softmax:
    """The kernel."""
    (x,), axis = inputs, kind.axis
    return Softmax(isinstance(kind, kinds.LogSoftmax), math.prod(x[:axis]), x[axis], math.prod(x[axis + 1 :]))
