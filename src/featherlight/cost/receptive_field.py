"""How much of the image each place of a map sees.

Element i of a map, along one axis, depends on the pixels i * stride + first to i * stride + last and on no other
(Araujo et al. 2019, section 2). Padding counts, so `first` may be negative and a field may be larger than the image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from featherlight.graph import Graph, Op, Tensor, kinds


@dataclass(frozen=True, slots=True)
class Reach:
    """Along one axis: the pixels that element 0 depends on, and how far they move with each element.

    Stride 0: every element sees the same, which is the whole axis.
    """

    first: int
    last: int
    stride: int

    @property
    def size(self) -> int:
        """How many pixels."""
        return self.last - self.first + 1

    def window(self, kernel: int, stride: int, before: int, dilation: int = 1) -> Reach:
        """What a window over elements that reach so far reaches."""
        first = self.first - before * self.stride
        return Reach(first, self.last + (dilation * (kernel - 1) - before) * self.stride, self.stride * stride)


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """What a place of a map depends on, vertically and horizontally."""

    vertical: Reach
    horizontal: Reach

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the image, padding included."""
        return self.vertical.size, self.horizontal.size

    @property
    def stride(self) -> tuple[int, int]:
        """Rows and columns of the image from one place to the next; 0 where each sees everything."""
        return self.vertical.stride, self.horizontal.stride


Reaches: TypeAlias = tuple[Reach, Reach]


def receptive_fields(graph: Graph) -> Mapping[str, ReceptiveField]:
    """The receptive field of every tensor that follows from the graph's input, by name.

    Along paths that meet (a shortcut, a concat) the widest counts. What is no map any more (a mean over the map, a
    linear layer, a reshape or transpose that touches height or width) sees the whole image, and so does all after it.
    That is the theory of the field: how much of it weighs anything, training decides.
    """
    fields: dict[str, Reaches] = {}
    for name in graph.inputs:
        fields[name] = (Reach(0, 0, 1), Reach(0, 0, 1))
    height, width = graph.tensors[graph.inputs[0]].shape[-2:]
    whole = (Reach(0, height - 1, 0), Reach(0, width - 1, 0))
    for op in graph.ops:
        seen = _join((fields[name] for name in op.inputs if name in fields), whole)
        if seen is not None:
            reaches = _after(op, seen, graph.tensors_in(op), graph.tensors_out(op), whole)
            fields |= dict.fromkeys(op.outputs, reaches)
    return {name: ReceptiveField(*reaches) for name, reaches in fields.items()}


def _join(reaches: Iterable[Reaches], whole: Reaches) -> Reaches | None:
    """The smallest field that holds them all; None of none."""
    both = list(reaches)
    if not both:
        return None
    vertical, horizontal = (_widest([pair[axis] for pair in both], whole[axis]) for axis in (0, 1))
    return vertical, horizontal


def _widest(reaches: list[Reach], whole: Reach) -> Reach:
    strides = {reach.stride for reach in reaches}
    if len(strides) > 1 or 0 in strides:
        return whole
    return Reach(min(reach.first for reach in reaches), max(reach.last for reach in reaches), strides.pop())


def _after(op: Op, seen: Reaches, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...], whole: Reaches) -> Reaches:
    if type(op.kind) in WINDOWS:
        windows = WINDOWS[type(op.kind)](op.kind, inputs)
        vertical, horizontal = (reach.window(*window) for reach, window in zip(seen, windows, strict=True))
        return vertical, horizontal
    return seen if _keeps_places(op.kind, inputs[0].shape, outputs[0].shape) else whole


def _keeps_places(kind: kinds.Kind, before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """Whether each place of the output follows from the same place of the inputs, over whatever channels."""
    rank = len(before)
    match kind:
        case kinds.Linear():
            return False
        case kinds.Transpose(permutation):
            return permutation[-2:] == (rank - 2, rank - 1)
        case kinds.Concat(axis) | kinds.Split(axis) | kinds.Softmax(axis) | kinds.LogSoftmax(axis):
            return axis < rank - 2
        case kinds.Mean(axes):
            return all(axis < rank - 2 for axis in axes)
        case kinds.Add() | kinds.Subtract() | kinds.Multiply() | kinds.Divide():
            return len(after) > 2  # the first of two may be a number
    return min(rank, len(after)) > 2 and before[-2:] == after[-2:]


Window: TypeAlias = tuple[int, int, int, int]
"""Kernel, stride, elements of padding before, dilation."""


def _convolution(kind: kinds.Convolution, inputs: tuple[Tensor, ...]) -> tuple[Window, Window]:
    height, width = inputs[1].shape[2:]
    down, across = kind.stride
    top, left = kind.padding[:2]
    return (height, down, top, kind.dilation[0]), (width, across, left, kind.dilation[1])


def _max_pool(kind: kinds.MaxPool, inputs: tuple[Tensor, ...]) -> tuple[Window, Window]:
    vertical, horizontal = zip(kind.kernel, kind.stride, kind.padding[:2], kind.dilation, strict=True)
    return vertical, horizontal


def _average_pool(kind: kinds.AveragePool, inputs: tuple[Tensor, ...]) -> tuple[Window, Window]:
    vertical, horizontal = zip(kind.kernel, kind.stride, kind.padding[:2], (1, 1), strict=True)
    return vertical, horizontal


def _slice(kind: kinds.Slice, inputs: tuple[Tensor, ...]) -> tuple[Window, Window]:
    axis = kind.axis - len(inputs[0].shape)
    vertical, horizontal = ((1, kind.step, -kind.start, 1) if axis == at else (1, 1, 0, 1) for at in (-2, -1))
    return vertical, horizontal


def _pad(kind: kinds.Pad, inputs: tuple[Tensor, ...]) -> tuple[Window, Window]:
    vertical, horizontal = ((1, 1, before, 1) for before in kind.before[-2:])
    return vertical, horizontal


# The kinds whose output has other places than their input, as windows over it.
WINDOWS: dict[type[kinds.Kind], Callable[[Any, tuple[Tensor, ...]], tuple[Window, Window]]] = {
    kinds.Convolution: _convolution,
    kinds.MaxPool: _max_pool,
    kinds.AveragePool: _average_pool,
    kinds.Slice: _slice,
    kinds.Pad: _pad,
}
