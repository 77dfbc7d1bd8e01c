"""Convolution of any groups, strides, dilation and padding: a vector of a row's outputs in a few channels at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

from llvmlite import ir

from featherlight.compiler.code import FLOAT, Builder, Code, Value, at, fill, load, multiply_add, share, spread, times
from featherlight.compiler.control import i64, least, loop, variable
from featherlight.compiler.kernels.dense.linear import Linear
from featherlight.compiler.kernels.dense.walk import Shape, coordinates
from featherlight.compiler.kernels.dense.windows import Block, Windows, cases, windows
from featherlight.graph import kinds

AT_ONCE = 6  # channels of outputs that share what was loaded of the map


@dataclass(frozen=True)
class Convolution:
    """Pointers: x, weight, bias if there is one, and y, as `kinds.Convolution` has them.

    inputs, outputs  channels of a group
    """

    windows: Windows
    images: int
    groups: int
    inputs: int
    outputs: int
    bias: bool

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "convolution", 3 + self.bias, lambda b, *given: self._body(code, b, *given))

    @property
    def channels(self) -> int:
        """How many output channels are made at once: as many as make the parts of a group alike."""
        return -(-self.outputs // -(-self.outputs // AT_ONCE))

    def _body(self, code: Code, b: Builder, thread: Value, threads: Value, *pointers: Value) -> None:
        parts = -(-self.outputs // self.channels)
        blocks = self.windows.blocks(code.vectors)
        tasks = (self.images, self.groups, parts, self.windows.made[0], blocks)
        with loop(b, *share(b, thread, threads, math.prod(tasks)), name="task") as task:
            image, group, part, row, index = coordinates(b, task, tasks)
            # The last part begins early enough to be whole.
            first = least(b, times(b, part, self.channels), i64(self.outputs - self.channels))
            channel = b.add(times(b, group, self.outputs), first)
            cases(
                b,
                self.windows,
                code.vectors,
                index,
                lambda block: self._block(b, pointers, image, group, channel, row, block),
            )

    def _block(
        self,
        b: Builder,
        pointers: tuple[Value, ...],
        image: Value,
        group: Value,
        channel: Value,
        row: Value,
        block: Block,
    ) -> None:
        x, weight, *bias, y = pointers
        seen, made, taps = (math.prod(pair) for pair in (self.windows.seen, self.windows.made, self.windows.kernel))
        source = b.add(times(b, image, self.groups * self.inputs), times(b, group, self.inputs))
        target = b.add(times(b, image, self.groups * self.outputs), channel)
        kind, filters = block.vectors.type, 4 * self.inputs * taps
        totals = [
            variable(b, spread(b, load(b, bias[0], FLOAT, times(b, b.add(channel, i64(number)), 4)), kind))
            if bias
            else variable(b, fill(kind, 0.0))
            for number in range(self.channels)
        ]
        first_filter = at(b, weight, times(b, channel, filters))
        rows = self.windows.rows(b, row)
        with loop(b, i64(0), i64(self.inputs), name="input") as input_:
            plane = at(b, x, times(b, b.add(source, input_), 4 * seen))
            factors = at(b, first_filter, times(b, input_, 4 * taps))
            with block.taps(b, plane, rows) as tap:
                value = block.seen(b, tap, 0.0)
                place = times(b, b.add(times(b, tap.u, self.windows.kernel[1]), tap.v), 4)
                for number, total in enumerate(totals):
                    factor = load(b, factors, FLOAT, b.add(place, i64(number * filters)))
                    b.store(multiply_add(b, value, spread(b, factor, kind), b.load(total)), total)
        for number, total in enumerate(totals):
            block.put(b, b.load(total), at(b, y, times(b, b.add(target, i64(number)), 4 * made)), row)


def convolution(kind: kinds.Convolution, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Convolution | Linear:
    """The kernel: a linear one where there is one window, the whole map."""
    (x, weight, *bias), (y,) = inputs, outputs
    if kind.groups == 1 and weight[2:] == x[2:] and kind.padding == (0, 0, 0, 0):
        return Linear(x[0], math.prod(x[1:]), weight[0], bool(bias))
    slid = windows(kind, x, weight[2:], y)
    if weight[2:] == (1, 1) and kind.stride == (1, 1) and kind.padding == (0, 0, 0, 0):
        row = (1, x[2] * x[3])  # a map without neighbours is a row of pixels
        slid = Windows(row, row, (1, 1), (1, 1), (0, 0), (1, 1))
    return Convolution(slid, x[0], kind.groups, weight[1], weight[0] // kind.groups, bool(bias))
