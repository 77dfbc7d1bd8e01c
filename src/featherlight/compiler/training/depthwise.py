"""Depthwise convolution, forward and backward: each channel by itself, channels last.

A map's rows hold width * channels floats. Outputs are made one after the other, LANES channels at a time: a load and a
multiply-add for each tap, the weights from the first cache. Holding the weights in registers and walking a row once for
each LANES channels was slower, by a third on maps beyond the caches. The gradients of the weights do stay in registers
along a row. What a tap finds beyond the border is read from a row of zeros, so that no padded copy is made.

Forward and the input's gradient are one gathering: an axis says for each of its outputs which sources it gathers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from llvmlite import ir

from featherlight.compiler.control import at_least, i64, least, loop, span, variable
from featherlight.compiler.training.kernel import Body, Kernel, OpenMP, compile_kernels
from featherlight.compiler.training.vectors import (
    DOUBLE,
    FLOAT,
    columns,
    double,
    filled,
    multiply_add,
    plus,
    read,
    typed,
    write,
)


def kernels(kernel: int, stride: int, team: OpenMP | None) -> dict[str, Kernel]:
    """The kernels for an odd `kernel`, padded by half of it, which take after the number of parts:

    forward    batch, height, width, channels, x, weights, zeros, y
    backward   batch, height, width, channels, x, weights, zeros, dy, dx, line, sums

    height and width are those of x; those of y are (side - 1) // stride + 1. weights is (kernel^2, channels), zeros a
    row of them, width * channels. line is (parts, kernel^2, channels) of room for float32, and in sums, of the same
    shape in float64, stand the gradients of the weights. A part is some of the images.
    """
    bodies: dict[str, tuple[int, Body]] = {
        "forward": (8, partial(_forward, kernel, stride)),
        "backward": (11, partial(_backward, kernel, stride)),
    }
    return compile_kernels(bodies, team)


@dataclass(frozen=True)
class _Axis:
    """Output `first + step * j` gathers the sources `stride * j + offset`, by the weights `at`, of each tap."""

    first: int
    step: int
    stride: int
    taps: tuple[tuple[int, int], ...]  # (offset, at)

    def count(self, b: ir.IRBuilder, side: ir.Value) -> ir.Value:
        """How many outputs there are on a side."""
        return b.sdiv(b.add(side, i64(self.step - 1 - self.first)), i64(self.step))

    def output(self, b: ir.IRBuilder, j: ir.Value) -> ir.Value:
        return b.add(b.mul(j, i64(self.step)), i64(self.first))

    def source(self, b: ir.IRBuilder, j: ir.Value, offset: int) -> ir.Value:
        return b.add(b.mul(j, i64(self.stride)), i64(offset))


@dataclass(frozen=True)
class _Layer:
    """What stays the same throughout a kernel: its side, the number of channels, a row of zeros."""

    side: int
    channels: ir.Value
    zeros: ir.Value

    def plane(self, b: ir.IRBuilder, tap: int, channel: ir.Value) -> ir.Value:
        """Where a channel's weight of a tap stands."""
        return b.add(b.mul(self.channels, i64(tap)), channel)


@dataclass(frozen=True)
class _Map:
    """An image of a map: its address and its sides."""

    base: ir.Value
    height: ir.Value
    width: ir.Value


def _forward_axis(side: int, stride: int) -> _Axis:
    return _Axis(0, 1, stride, tuple((at - side // 2, at) for at in range(side)))


def _backward_axes(side: int, stride: int) -> list[_Axis]:
    """Input `i` went by the weight `at` to output (i + side // 2 - at) / stride, where that is whole."""
    axes = []
    for first in range(stride):
        whole = range((first + side // 2) % stride, side, stride)
        axes.append(_Axis(first, stride, 1, tuple(((first + side // 2 - at) // stride, at) for at in whole)))
    return axes


def _forward(side: int, stride: int, b: ir.IRBuilder, part: ir.Value, parts: ir.Value, given: list[ir.Value]) -> None:
    batch, height, width, channels, x, weights, zeros, y = given
    layer, axis = _Layer(side, channels, zeros), _forward_axis(side, stride)
    with loop(b, *span(b, part, parts, batch), name="image") as image:
        source = _image(b, x, image, (height, width), channels)
        target = _image(b, y, image, _sides(b, stride, height, width), channels)
        _gather(b, layer, source, target, (axis, axis), weights)


def _backward(side: int, stride: int, b: ir.IRBuilder, part: ir.Value, parts: ir.Value, given: list[ir.Value]) -> None:
    batch, height, width, channels, x, weights, zeros, dy, dx, lines, sums = given
    layer, axes = _Layer(side, channels, zeros), _backward_axes(side, stride)
    size = b.mul(channels, i64(side * side))
    line = b.add(lines, b.mul(part, b.mul(size, i64(4))))
    total = b.add(sums, b.mul(part, b.mul(size, i64(8))))
    for lanes, index in columns(b, i64(0), size):
        write(b, total, index, filled(typed(DOUBLE, lanes), 0.0))
    with loop(b, *span(b, part, parts, batch), name="image") as image:
        source, target = (_image(b, base, image, (height, width), channels) for base in (x, dx))
        gradient = _image(b, dy, image, _sides(b, stride, height, width), channels)
        for lanes, index in columns(b, i64(0), size):
            write(b, line, index, filled(typed(FLOAT, lanes), 0.0))
        _weigh(b, layer, source, gradient, _forward_axis(side, stride), line)
        for lanes, index in columns(b, i64(0), size):
            write(
                b, total, index, plus(b, read(b, total, index, lanes, DOUBLE), double(b, read(b, line, index, lanes)))
            )
        for ys in axes:
            for xs in axes:
                _gather(b, layer, gradient, target, (ys, xs), weights)


def _gather(
    b: ir.IRBuilder, layer: _Layer, source: _Map, target: _Map, axes: tuple[_Axis, _Axis], weights: ir.Value
) -> None:
    """Write the sum of weighted sources to each output of both axes."""
    ys, xs = axes
    taps = [at * layer.side + across for _, at in ys.taps for _, across in xs.taps]
    with loop(b, i64(0), ys.count(b, target.height), name="y") as y:
        rows = _rows(b, layer, source, ys, y)
        start = b.mul(ys.output(b, y), target.width)
        for x, found in _outputs(b, layer, xs, rows, source.width, target.width):
            out = b.mul(b.add(start, xs.output(b, x)), layer.channels)
            for lanes, channel in columns(b, i64(0), layer.channels):
                total = filled(typed(FLOAT, lanes), 0.0)
                for at, tap in zip(found, taps, strict=True):
                    weight = read(b, weights, layer.plane(b, tap, channel), lanes)
                    total = multiply_add(b, read(b, at, channel, lanes), weight, total)
                write(b, target.base, b.add(out, channel), total)


def _weigh(b: ir.IRBuilder, layer: _Layer, source: _Map, gradient: _Map, axis: _Axis, line: ir.Value) -> None:
    """Add to `line` what each weight met: its sources times the gradients of the outputs they went to."""
    with loop(b, i64(0), gradient.height, name="y") as y:
        rows = _rows(b, layer, source, axis, y)
        start = b.mul(y, gradient.width)
        for lanes, channel in columns(b, i64(0), layer.channels):
            places = [layer.plane(b, tap, channel) for tap in range(layer.side**2)]
            totals = [variable(b, read(b, line, place, lanes)) for place in places]
            for x, found in _outputs(b, layer, axis, rows, source.width, gradient.width):
                place = b.add(b.mul(b.add(start, x), layer.channels), channel)
                slope = read(b, gradient.base, place, lanes)
                for at, total in zip(found, totals, strict=True):
                    b.store(multiply_add(b, read(b, at, channel, lanes), slope, b.load(total)), total)
            for place, total in zip(places, totals, strict=True):
                write(b, line, place, b.load(total))


def _outputs(
    b: ir.IRBuilder, layer: _Layer, axis: _Axis, rows: list[ir.Value], width: ir.Value, outputs: ir.Value
) -> Iterator[tuple[ir.Value, list[ir.Value]]]:
    """Loops over the outputs of a row, and the addresses of what each gathers from `rows` of `width` sources.

    What is done with them is emitted three times: only near the borders need a tap ask whether it finds a zero.
    """
    count, offsets = axis.count(b, outputs), [offset for offset, _ in axis.taps]
    inner = least(b, i64(max(0, -(min(offsets) // axis.stride))), count)
    last = b.sdiv(b.sub(width, i64(1 + max(offsets))), i64(axis.stride))
    outer = at_least(b, inner, least(b, count, b.add(last, i64(1))))
    for first, end, near in ((i64(0), inner, True), (inner, outer, False), (outer, count, True)):
        with loop(b, first, end, name="x") as x:
            found = []
            for row in rows:
                for offset in offsets:
                    column = axis.source(b, x, offset)
                    at = b.add(row, b.mul(b.mul(column, layer.channels), i64(4)))
                    found.append(b.select(b.icmp_unsigned("<", column, width), at, layer.zeros) if near else at)
            yield x, found


def _rows(b: ir.IRBuilder, layer: _Layer, source: _Map, axis: _Axis, y: ir.Value) -> list[ir.Value]:
    """The addresses of the rows of sources that output row `y` gathers: beyond the border, of zeros."""
    rows = []
    for offset, _ in axis.taps:
        row = axis.source(b, y, offset)
        at = b.add(source.base, b.mul(b.mul(b.mul(row, source.width), layer.channels), i64(4)))
        rows.append(b.select(b.icmp_unsigned("<", row, source.height), at, layer.zeros))
    return rows


def _sides(b: ir.IRBuilder, stride: int, height: ir.Value, width: ir.Value) -> tuple[ir.Value, ir.Value]:
    """The sides of the output of a map."""
    height, width = (b.add(b.sdiv(b.sub(side, i64(1)), i64(stride)), i64(1)) for side in (height, width))
    return height, width


def _image(
    b: ir.IRBuilder, base: ir.Value, image: ir.Value, sides: tuple[ir.Value, ir.Value], channels: ir.Value
) -> _Map:
    height, width = sides
    size = b.mul(b.mul(b.mul(height, width), channels), i64(4))
    return _Map(b.add(base, b.mul(image, size)), height, width)
