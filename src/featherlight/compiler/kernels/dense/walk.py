"""All places of a shape, row by row: how tensors of different strides are gone through side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from featherlight.compiler.code import Builder, Value, at, share, times
from featherlight.compiler.control import i64, least, loop

Shape = tuple[int, ...]
UNIT = 16  # floats of a row that threads share as one: a line of the cache


@dataclass(frozen=True)
class Walk:
    """Each tensor's `strides` say how many floats it goes on by for a step along each axis of `shape`."""

    shape: Shape
    strides: tuple[Shape, ...]

    @property
    def inner(self) -> int:
        """How long a row is."""
        return self.shape[-1] if self.shape else 1

    @property
    def steps(self) -> Shape:
        """Each tensor's stride along a row."""
        return tuple(strides[-1] if strides else 1 for strides in self.strides)


def walk(shape: Shape, strides: Sequence[Shape]) -> Walk:
    """The walk with axes of size 1 dropped, and axes joined where all tensors can take two as one."""
    axes: list[tuple[int, Shape]] = []
    for size, steps in zip(shape, zip(*strides, strict=True), strict=True):
        if size == 1:
            continue
        if axes and all(outer == size * step for outer, step in zip(axes[-1][1], steps, strict=True)):
            axes[-1] = (axes[-1][0] * size, steps)
        else:
            axes.append((size, steps))
    joined = (tuple(steps[tensor] for _, steps in axes) for tensor in range(len(strides)))
    return Walk(tuple(size for size, _ in axes), tuple(joined))


def dense(shape: Shape) -> Shape:
    """The strides of a row-major tensor, in floats."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def broadcast(shape: Shape, to: Shape) -> Shape:
    """The strides of a dense tensor of `shape` when it is walked as `to`: 0 along what is repeated."""
    shape = (1,) * (len(to) - len(shape)) + shape
    return tuple(0 if size == 1 else stride for size, stride in zip(shape, dense(shape), strict=True))


@contextmanager
def rows(
    b: Builder, places: Walk, thread: Value, threads: Value, pointers: Sequence[Value], unit: int = UNIT
) -> Iterator[tuple[list[Value], Value, Value]]:
    """The block's instructions for a thread's share: pointers to where a row begins, and the range within it.

    Threads share the rows, or the only one by units of so many floats.
    """
    if len(places.shape) < 2:
        units = share(b, thread, threads, -(-places.inner // unit))
        start, stop = (least(b, times(b, edge, unit), i64(places.inner)) for edge in units)
        yield list(pointers), start, stop
        return
    outer = places.shape[:-1]
    with loop(b, *share(b, thread, threads, math.prod(outer)), name="row") as row:
        at_row = coordinates(b, row, outer)
        moved = [offset(b, p, at_row, s[:-1]) for p, s in zip(pointers, places.strides, strict=True)]
        yield moved, i64(0), i64(places.inner)


def coordinates(b: Builder, index: Value, shape: Shape) -> list[Value]:
    """Where the index stands in a shape, axis by axis."""
    found: list[Value] = []
    for size in reversed(shape[1:]):
        found.append(b.urem(index, i64(size)))
        index = b.udiv(index, i64(size))
    return [index, *reversed(found)] if shape else []


def offset(b: Builder, pointer: Value, place: Sequence[Value], strides: Shape) -> Value:
    """The address of a float at a place."""
    for index, stride in zip(place, strides, strict=True):
        if stride:
            pointer = at(b, pointer, times(b, index, 4 * stride))
    return pointer


def nest(b: Builder, shape: Shape, strides: Shape, pointer: Value, body: Callable[[Value], None]) -> None:
    """`body(address)` for each place of a shape, by a loop for each axis."""
    if not shape:
        body(pointer)
        return
    with loop(b, i64(0), i64(shape[0])) as index:
        nest(b, shape[1:], strides[1:], offset(b, pointer, [index], strides[:1]), body)
