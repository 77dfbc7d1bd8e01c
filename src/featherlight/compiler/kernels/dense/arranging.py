"""What only moves numbers: joining, parting, slicing, turning, shuffling: a few copies of strided blocks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from llvmlite import ir

from featherlight.compiler.code import FLOAT, Builder, Code, Value, at, load, store, times
from featherlight.compiler.control import loop
from featherlight.compiler.kernels.dense.lanes import along
from featherlight.compiler.kernels.dense.walk import Shape, Walk, dense, rows, walk
from featherlight.graph import kinds


@dataclass(frozen=True)
class Copy:
    """From tensor `source`, from its float number `read` on, to `target`, from `written` on, as they are walked."""

    source: int
    read: int
    target: int
    written: int
    places: Walk


@dataclass(frozen=True)
class Arranging:
    """Pointers: the inputs, the outputs. No two copies write the same place."""

    inputs: int
    outputs: int
    copies: tuple[Copy, ...]

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "arranging", self.inputs + self.outputs, lambda b, *given: self._body(code, b, given))

    def _body(self, code: Code, b: Builder, given: tuple[Value, ...]) -> None:
        thread, threads, *pointers = given
        for copy in self.copies:
            source = at(b, pointers[copy.source], 4 * copy.read)
            target = at(b, pointers[self.inputs + copy.target], 4 * copy.written)
            b.call(_copying(code, copy.places), [thread, threads, source, target])


def _copying(code: Code, places: Walk) -> ir.Function:
    """Copies of the same walk share a function."""

    def body(b: Builder, thread: Value, threads: Value, *pointers: Value) -> None:
        read, written = places.steps
        with rows(b, places, thread, threads, pointers) as ((source, target), start, stop):

            def some(index: Value, kind: ir.Type) -> None:
                value = load(b, source, kind, times(b, index, 4 * read))
                store(b, value, target, times(b, index, 4 * written))

            if read == written == 1:
                along(b, code.vectors, start, stop, some)
            else:
                with loop(b, start, stop) as index:
                    some(index, FLOAT)

    return code.kernel(places, "copying", 2, body)


def copy(kind: kinds.Kind, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Arranging:
    """The same numbers in the same order."""
    (x,) = inputs
    return Arranging(1, 1, (Copy(0, 0, 0, 0, walk(x, [dense(x), dense(x)])),))


def concat(kind: kinds.Concat, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Arranging:
    """Each input to its place in the output."""
    (whole,) = outputs
    inner = math.prod(whole[kind.axis + 1 :])
    copies = [
        Copy(number, 0, 0, first * inner, walk(part, [dense(part), dense(whole)]))
        for number, (part, first) in enumerate(zip(inputs, _firsts(inputs, kind.axis), strict=True))
    ]
    return Arranging(len(inputs), 1, tuple(copies))


def split(kind: kinds.Split, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Arranging:
    """Each output from its place in the input."""
    (whole,) = inputs
    inner = math.prod(whole[kind.axis + 1 :])
    copies = [
        Copy(0, first * inner, number, 0, walk(part, [dense(whole), dense(part)]))
        for number, (part, first) in enumerate(zip(outputs, _firsts(outputs, kind.axis), strict=True))
    ]
    return Arranging(1, len(outputs), tuple(copies))


def slice_(kind: kinds.Slice, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Arranging:
    """Every so many elements along an axis."""
    (x,), (part,) = inputs, outputs
    strides = dense(x)
    stepped = tuple(stride * (kind.step if axis == kind.axis else 1) for axis, stride in enumerate(strides))
    return Arranging(1, 1, (Copy(0, kind.start * strides[kind.axis], 0, 0, walk(part, [stepped, dense(part)])),))


def transpose(kind: kinds.Transpose, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Arranging:
    """The input's strides in another order."""
    (x,), (turned,) = inputs, outputs
    strides = tuple(dense(x)[axis] for axis in kind.permutation)
    return Arranging(1, 1, (Copy(0, 0, 0, 0, walk(turned, [strides, dense(turned)])),))


def channel_shuffle(kind: kinds.ChannelShuffle, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Arranging:
    """Channels as a (groups, n) table, transposed."""
    (x,) = inputs
    n, groups = x[1] // kind.groups, kind.groups
    table, inner = (x[0], n, groups, math.prod(x[2:])), math.prod(x[2:])
    read = (x[1] * inner, inner, n * inner, 1)
    return Arranging(1, 1, (Copy(0, 0, 0, 0, walk(table, [read, dense(table)])),))


def concat_shuffle_split(
    kind: kinds.ConcatShuffleSplit, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]
) -> Arranging:
    """Runs of channels that come from one input and go to one output, a copy each.

    Channel i of group g stands at g * n + i in the joined inputs and goes to i * groups + g.
    """
    images, inner, groups = inputs[0][0], math.prod(inputs[0][2:]), kind.groups
    before, after = _firsts(inputs, 1), _firsts(outputs, 1)
    n = sum(shape[1] for shape in inputs) // groups
    copies = []
    for group in range(groups):
        cuts = [first - group * n for first in before] + [-(-(first - group) // groups) for first in after]
        for low, high in _pieces(cuts, n):
            come, go = group * n + low, low * groups + group
            source, target = _holder(before, come), _holder(after, go)
            shape = (images, high - low, inner)
            read = (inputs[source][1] * inner, inner, 1)
            written = (outputs[target][1] * inner, groups * inner, 1)
            copies.append(
                Copy(
                    source,
                    (come - before[source]) * inner,
                    target,
                    (go - after[target]) * inner,
                    walk(shape, [read, written]),
                )
            )
    return Arranging(len(inputs), len(outputs), tuple(copies))


def _firsts(parts: tuple[Shape, ...], axis: int) -> list[int]:
    """Where each part begins along the axis of the whole."""
    return list(itertools.accumulate((part[axis] for part in parts[:-1]), initial=0))


def _pieces(cuts: list[int], count: int) -> Iterator[tuple[int, int]]:
    """What 0 to `count` falls into at the cuts within."""
    yield from itertools.pairwise(sorted({0, count, *(cut for cut in cuts if 0 < cut < count)}))


def _holder(firsts: list[int], place: int) -> int:
    """Which part holds a place."""
    return max(number for number, first in enumerate(firsts) if first <= place)
