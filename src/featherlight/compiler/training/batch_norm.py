"""Batch norm with its activation, forward and backward, each in two passes over memory.

A map of C channels is a matrix of rows of C floats, channels last. Since C is seldom a multiple of a vector's lanes,
`fold` rows are taken as one wide row of fold * C floats, which is, and what belongs to a channel is repeated `fold`
times. The last wide row may be shorter, and ends in single floats. A part of a kernel is a span of wide rows.

Sums are taken in float64: the variance as the mean square less the squared mean is then as good as one about the mean
(error 1e-16 of mean^2 / variance), and the memory that is read takes longer than the additions. They stay in the first
cache, a line of them for each part, so that maps are read in one stream each: adding up several rows in registers first
reads as many streams, and was 1.5 times as fast on maps that fit a cache and 3 times slower on those of 14 MB.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

from llvmlite import ir

from featherlight.compiler.control import i64, least, loop, span
from featherlight.compiler.training.kernel import Body, Kernel, OpenMP, compile_kernels
from featherlight.compiler.training.vectors import (
    DOUBLE,
    LANES,
    columns,
    double,
    filled,
    like,
    multiply,
    multiply_add,
    plus,
    read,
    typed,
    write,
)

LEAST_WIDTH = 128  # of a wide row, so that its loop is worth starting

# What an activation makes of a normed value, and of the gradient that comes to it.
Apply: TypeAlias = Callable[[ir.IRBuilder, ir.Value], ir.Value]
Slope: TypeAlias = Callable[[ir.IRBuilder, ir.Value, ir.Value], ir.Value]
# The part, the number of parts, and a map's size and the width of its wide rows.
Split: TypeAlias = tuple[ir.Value, ir.Value, ir.Value, ir.Value]
# The two terms to sum, of so many lanes, from an index of the map and the column of it.
Terms: TypeAlias = Callable[[int, ir.Value, ir.Value], tuple[ir.Value, ir.Value]]


def fold(channels: int) -> int:
    """How many rows make a wide one."""
    whole = LANES // math.gcd(channels, LANES)
    return whole * max(1, LEAST_WIDTH // (whole * channels))


def kernels(activation: str, team: OpenMP | None) -> dict[str, Kernel]:
    """The four kernels for "none", "relu", "relu6" or "hard_swish", which take, after the number of parts:

    moments    size, width, x, sums: in sums (parts, 2, width), float64, the sum of x and of x * x
    forward    size, width, x, y, mean, scale, bias: y = f((x - mean) * scale + bias)
    slopes     size, width, x, dy, mean, scale, bias, sums: with g = dy * f'((x - mean) * scale + bias), in sums
               (parts, 2, width), float64, the sum of g and of g * (x - mean)
    backward   size, width, x, dy, mean, scale, bias, slant, level, dx: dx = scale * g + slant * (x - mean) + level

    Maps have `size` floats; mean, scale, bias, slant and level have `width`, a wide row's; all are float32 addresses.
    """
    apply, slope = _APPLY[activation], _SLOPE[activation]
    bodies: dict[str, tuple[int, Body]] = {
        "moments": (4, _moments),
        "forward": (7, partial(_forward, apply)),
        "slopes": (8, partial(_slopes, slope)),
        "backward": (10, partial(_backward, slope)),
    }
    return compile_kernels(bodies, team)


def _moments(b: ir.IRBuilder, part: ir.Value, parts: ir.Value, arguments: list[ir.Value]) -> None:
    size, width, x, sums = arguments

    def terms(lanes: int, index: ir.Value, column: ir.Value) -> tuple[ir.Value, ir.Value]:
        value = double(b, read(b, x, index, lanes))
        return value, multiply(b, value, value)

    _sum(b, (part, parts, size, width), sums, terms)


def _slopes(slope: Slope, b: ir.IRBuilder, part: ir.Value, parts: ir.Value, arguments: list[ir.Value]) -> None:
    size, width, x, dy, mean, scale, bias, sums = arguments

    def terms(lanes: int, index: ir.Value, column: ir.Value) -> tuple[ir.Value, ir.Value]:
        centred = b.fsub(read(b, x, index, lanes), read(b, mean, column, lanes))
        normed = multiply_add(b, centred, read(b, scale, column, lanes), read(b, bias, column, lanes))
        gradient = double(b, slope(b, normed, read(b, dy, index, lanes)))
        return gradient, multiply(b, gradient, double(b, centred))

    _sum(b, (part, parts, size, width), sums, terms)


def _forward(apply: Apply, b: ir.IRBuilder, part: ir.Value, parts: ir.Value, arguments: list[ir.Value]) -> None:
    size, width, x, y, mean, scale, bias = arguments
    for lanes, index, column in _elements(b, (part, parts, size, width)):
        centred = b.fsub(read(b, x, index, lanes), read(b, mean, column, lanes))
        normed = multiply_add(b, centred, read(b, scale, column, lanes), read(b, bias, column, lanes))
        write(b, y, index, apply(b, normed))


def _backward(slope: Slope, b: ir.IRBuilder, part: ir.Value, parts: ir.Value, arguments: list[ir.Value]) -> None:
    size, width, x, dy, mean, scale, bias, slant, level, dx = arguments
    for lanes, index, column in _elements(b, (part, parts, size, width)):
        centred = b.fsub(read(b, x, index, lanes), read(b, mean, column, lanes))
        steep = read(b, scale, column, lanes)
        normed = multiply_add(b, centred, steep, read(b, bias, column, lanes))
        gradient = slope(b, normed, read(b, dy, index, lanes))
        rest = multiply_add(b, centred, read(b, slant, column, lanes), read(b, level, column, lanes))
        write(b, dx, index, multiply_add(b, gradient, steep, rest))


def _elements(b: ir.IRBuilder, split: Split) -> Iterator[tuple[int, ir.Value, ir.Value]]:
    """Loops over all elements of the part's wide rows: vectors, then what is left of a short row.

    What is done with (lanes, index in the map, column) is emitted twice, once with LANES and once with one.
    """
    part, parts, size, width = split
    rows = b.sdiv(b.add(size, b.sub(width, i64(1))), width)
    with loop(b, *span(b, part, parts, rows), name="row") as row:
        start = b.mul(row, width)
        length = least(b, width, b.sub(size, start))
        for lanes, column in columns(b, i64(0), length):
            yield lanes, b.add(start, column), column


def _sum(b: ir.IRBuilder, split: Split, sums: ir.Value, terms: Terms) -> None:
    """Write the part's line of sums: of both terms over its wide rows, column by column."""
    part, _, _, width = split
    line = b.add(sums, b.mul(part, b.mul(width, i64(2 * 8))))
    lines = line, b.add(line, b.mul(width, i64(8)))
    with loop(b, i64(0), width, LANES, "column") as column:
        for line in lines:
            write(b, line, column, filled(typed(DOUBLE, LANES), 0.0))
    for lanes, index, column in _elements(b, split):
        for line, term in zip(lines, terms(lanes, index, column), strict=True):
            write(b, line, column, plus(b, read(b, line, column, lanes, DOUBLE), term))


# Every comparison is false for a NaN, and is put so that the NaN then comes through, as it does in PyTorch.


def _clamp(b: ir.IRBuilder, value: ir.Value, low: float, high: float | None = None) -> ir.Value:
    value = b.select(b.fcmp_ordered("<", value, like(value, low)), like(value, low), value)
    if high is None:
        return value
    return b.select(b.fcmp_ordered(">", value, like(value, high)), like(value, high), value)


def _hard_swish(b: ir.IRBuilder, z: ir.Value) -> ir.Value:
    gate = _clamp(b, b.fadd(z, like(z, 3.0)), 0.0, 6.0)
    return b.fmul(b.fmul(z, gate), like(z, 1 / 6))


def _relu_slope(b: ir.IRBuilder, z: ir.Value, gradient: ir.Value) -> ir.Value:
    return b.select(b.fcmp_ordered("<=", z, like(z, 0.0)), like(z, 0.0), gradient)


def _relu6_slope(b: ir.IRBuilder, z: ir.Value, gradient: ir.Value) -> ir.Value:
    gradient = _relu_slope(b, z, gradient)
    return b.select(b.fcmp_ordered(">=", z, like(z, 6.0)), like(z, 0.0), gradient)


def _hard_swish_slope(b: ir.IRBuilder, z: ir.Value, gradient: ir.Value) -> ir.Value:
    between = b.fmul(gradient, multiply_add(b, z, like(z, 1 / 3), like(z, 0.5)))
    above = b.select(b.fcmp_ordered(">=", z, like(z, 3.0)), gradient, between)
    return b.select(b.fcmp_ordered("<=", z, like(z, -3.0)), like(z, 0.0), above)


_APPLY: dict[str, Apply] = {
    "none": lambda b, z: z,
    "relu": lambda b, z: _clamp(b, z, 0.0),
    "relu6": lambda b, z: _clamp(b, z, 0.0, 6.0),
    "hard_swish": _hard_swish,
}
_SLOPE: dict[str, Slope] = {
    "none": lambda b, z, gradient: gradient,
    "relu": _relu_slope,
    "relu6": _relu6_slope,
    "hard_swish": _hard_swish_slope,
}
