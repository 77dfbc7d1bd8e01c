"""Means of windows that need not be equal."""

from __future__ import annotations

import math
from dataclasses import dataclass

from llvmlite import ir

from featherlight.compiler.code import FLOAT, Builder, Code, Value, at, fill, load, share, store, times
from featherlight.compiler.control import i64, loop, variable
from featherlight.compiler.kernels.dense.walk import Shape, coordinates
from featherlight.graph import kinds


@dataclass(frozen=True)
class AdaptivePool:
    """Pointers: the input of (planes, height, width), the output of (planes, *size). Cells are summed one by one.

    Infinity is the mean of its own cells only, as in PyTorch; a matrix product would make others no number.
    """

    planes: int
    seen: kinds.Pair
    size: kinds.Pair

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "adaptive_pool", 2, self._body)

    def _body(self, b: Builder, thread: Value, threads: Value, x: Value, y: Value) -> None:
        tasks = (self.planes, *self.size)
        with loop(b, *share(b, thread, threads, math.prod(tasks)), name="cell") as task:
            plane, *cell = coordinates(b, task, tasks)
            (top, bottom), (left, right) = (
                self._window(b, index, seen, cells)
                for index, seen, cells in zip(cell, self.seen, self.size, strict=True)
            )
            first = at(b, x, times(b, plane, 4 * math.prod(self.seen)))
            total = variable(b, fill(FLOAT, 0.0))
            with loop(b, top, bottom, name="row") as row:
                line = at(b, first, times(b, row, 4 * self.seen[1]))
                with loop(b, left, right, name="column") as column:
                    b.store(b.fadd(b.load(total), load(b, line, FLOAT, times(b, column, 4))), total)
            count = b.sitofp(b.mul(b.sub(bottom, top), b.sub(right, left)), FLOAT)
            store(b, b.fdiv(b.load(total), count), y, times(b, task, 4))

    def _window(self, b: Builder, cell: Value, seen: int, cells: int) -> tuple[Value, Value]:
        """Where a cell begins and ends along an axis."""
        start = times(b, cell, seen)
        stop = b.add(start, i64(seen + cells - 1))
        return b.udiv(start, i64(cells)), b.udiv(stop, i64(cells))


def adaptive_pool(
    kind: kinds.AdaptiveAveragePool, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]
) -> AdaptivePool:
    """The kernel."""
    (x,) = inputs
    return AdaptivePool(x[0] * x[1], (x[2], x[3]), kind.size)
