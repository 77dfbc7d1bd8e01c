"""The largest, or the mean, of each window of a map."""

from __future__ import annotations

import math
from dataclasses import dataclass

from llvmlite import ir

from featherlight.compiler.code import FLOAT, Builder, Code, Value, at, fill, share, spread, times
from featherlight.compiler.control import loop, variable
from featherlight.compiler.kernels.dense.lanes import largest
from featherlight.compiler.kernels.dense.walk import Shape, coordinates
from featherlight.compiler.kernels.dense.windows import Block, Windows, cases, windows
from featherlight.graph import kinds


@dataclass(frozen=True)
class Pool:
    """Pointers: the input, the output. `most` pools take the largest; means count the padding or only the map."""

    windows: Windows
    planes: int
    most: bool
    count_padding: bool = False

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "pool", 2, lambda b, *given: self._body(code, b, *given))

    def _body(self, code: Code, b: Builder, thread: Value, threads: Value, x: Value, y: Value) -> None:
        seen, made = (math.prod(pair) for pair in (self.windows.seen, self.windows.made))
        tasks = (self.planes, self.windows.made[0], self.windows.blocks(code.vectors))
        with loop(b, *share(b, thread, threads, math.prod(tasks)), name="task") as task:
            plane, row, index = coordinates(b, task, tasks)
            source, target = at(b, x, times(b, plane, 4 * seen)), at(b, y, times(b, plane, 4 * made))
            of_block = self._largest if self.most else self._mean
            cases(
                b,
                self.windows,
                code.vectors,
                index,
                lambda block: block.put(b, of_block(b, source, row, block), target, row),
            )

    def _largest(self, b: Builder, source: Value, row: Value, block: Block) -> Value:
        most = variable(b, fill(block.vectors.type, -math.inf))
        with block.taps(b, source, self.windows.rows(b, row)) as tap:
            b.store(largest(b, b.load(most), block.seen(b, tap, -math.inf)), most)
        return b.load(most)

    def _mean(self, b: Builder, source: Value, row: Value, block: Block) -> Value:
        kind = block.vectors.type
        total, count = variable(b, fill(kind, 0.0)), variable(b, fill(kind, 0.0))
        ones = fill(kind, 1.0)
        rows = self.windows.rows(b, row)
        with block.taps(b, source, rows) as tap:
            b.store(b.fadd(b.load(total), block.seen(b, tap, 0.0)), total)
            if block.border and not self.count_padding:
                met = b.select(block.within(b, tap), ones, fill(kind, 0.0))
                b.store(b.fadd(b.load(count), met), count)
        if self.count_padding:
            return b.fdiv(b.load(total), fill(kind, float(math.prod(self.windows.kernel))))
        if block.border:
            return b.fdiv(b.load(total), b.load(count))
        height = b.sitofp(b.sub(rows[2], rows[1]), FLOAT)
        return b.fdiv(b.load(total), b.fmul(spread(b, height, kind), fill(kind, float(self.windows.kernel[1]))))


def max_pool(kind: kinds.MaxPool, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Pool:
    """The kernel of largest elements."""
    (x,), (y,) = inputs, outputs
    return Pool(windows(kind, x, kind.kernel, y), x[0] * x[1], True)


def average_pool(kind: kinds.AveragePool, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Pool:
    """The kernel of means."""
    (x,), (y,) = inputs, outputs
    return Pool(windows(kind, x, kind.kernel, y), x[0] * x[1], False, kind.count_padding)
