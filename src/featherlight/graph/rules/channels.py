"""Which channels an operation ties together: those it makes of each other, and those that only go with each other.

Each rule reads the labels of the operation's inputs in a `Ties`, ties labels, and labels the outputs. Only axes that
hold channels are labelled: never images, rows or columns. A kind that nothing better is known of takes `everything`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from featherlight.graph import kinds
from featherlight.graph.ir import Graph, Op

Labels = npt.NDArray[np.int64]


class Ties:
    """Labels for the channels of every tensor, and which labels stand for the same channel (a union-find).

    axes    tensor -> axis -> a label for each index along it
    held    label -> why its channel cannot go
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.axes: dict[str, dict[int, Labels]] = {}
        self.held: dict[int, str] = {}
        self._parents: list[int] = []

    def fresh(self, count: int) -> Labels:
        """Labels that nothing bears yet."""
        first = len(self._parents)
        self._parents.extend(range(first, first + count))
        return np.arange(first, first + count)

    def root(self, label: int) -> int:
        """The one label that stands for all tied to this one."""
        while self._parents[label] != label:
            self._parents[label] = self._parents[self._parents[label]]
            label = self._parents[label]
        return label

    def tie(self, some: Labels, others: Labels) -> None:
        """Each of `some` with the one of `others` in the same place."""
        for one, other in zip(some.ravel().tolist(), others.ravel().tolist(), strict=True):
            self._parents[self.root(other)] = self.root(one)

    def hold(self, labels: Labels, why: str) -> None:
        """These channels cannot go; the first reason is the one that is told."""
        for label in labels.ravel().tolist():
            self.held.setdefault(label, why)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor."""
        return self.graph.tensors[name].shape

    def of(self, name: str) -> dict[int, Labels]:
        """The labelled axes of a tensor."""
        return self.axes.setdefault(name, {})

    def on(self, name: str, axis: int, why: str) -> Labels:
        """The labels along an axis, made when first asked for; those of a computed tensor, met so late, are held."""
        labels = self.of(name)
        if axis not in labels:
            labels[axis] = self.fresh(self.shape(name)[axis])
            if name not in self.graph.constants:
                self.hold(labels[axis], why)
        return labels[axis]


def convolution(ties: Ties, kind: kinds.Convolution, op: Op) -> None:
    """Each group must keep as many channels as the others, so a channel goes with its like in every group.

    Depthwise, a channel is a group of its own and passes: it goes with what is made of it.
    """
    x, weight = ties.on(op.inputs[0], 1, str(op)), op.inputs[1]
    made = ties.on(weight, 0, str(op))
    if kind.groups > 1 and kind.groups == len(x):
        ties.tie(np.repeat(x, len(made) // len(x)), made)
    else:
        _tie_groups(ties, made, kind.groups)
        ties.tie(x, np.tile(ties.on(weight, 1, str(op)), kind.groups))
    _tie_vectors(ties, op, made, op.inputs[2:])
    ties.of(op.outputs[0])[1] = made


def linear(ties: Ties, kind: kinds.Linear, op: Op) -> None:
    """The last axis is read; what is made stands in its place."""
    x, weight = op.inputs[:2]
    last = len(ties.shape(x)) - 1
    ties.tie(ties.on(x, last, str(op)), ties.on(weight, 1, str(op)))
    made = ties.on(weight, 0, str(op))
    _tie_vectors(ties, op, made, op.inputs[2:])
    ties.axes[op.outputs[0]] = {**ties.of(x), last: made}


def batch_norm(ties: Ties, kind: kinds.BatchNorm, op: Op) -> None:
    """A weight, a shift, a mean and a variance for each channel."""
    _tie_vectors(ties, op, ties.on(op.inputs[0], 1, str(op)), op.inputs[1:])
    same(ties, kind, op)


def same(ties: Ties, kind: object, op: Op) -> None:
    """Channels pass."""
    ties.axes[op.outputs[0]] = dict(ties.of(op.inputs[0]))


def broadcast(ties: Ties, kind: object, op: Op) -> None:
    """Operands of the same size along an axis have the same channels along it; one that is spread is held."""
    result: dict[int, Labels] = {}
    rank = len(ties.shape(op.outputs[0]))
    for axis, size in enumerate(ties.shape(op.outputs[0])):
        wide: list[tuple[str, int]] = []
        for name in op.inputs:
            own = axis - rank + len(ties.shape(name))
            if own >= 0 and ties.shape(name)[own] == size:
                wide.append((name, own))
            elif own >= 0 and own in ties.of(name):
                ties.hold(ties.of(name)[own], str(op))
        if any(own in ties.of(name) for name, own in wide):
            labels = [ties.on(name, own, str(op)) for name, own in wide]
            for other in labels[1:]:
                ties.tie(labels[0], other)
            result[axis] = labels[0]
    ties.axes[op.outputs[0]] = result


def softmax(ties: Ties, kind: kinds.Softmax | kinds.LogSoftmax, op: Op) -> None:
    """Every channel along the axis counts in the sum."""
    _hold_along(ties, op, (kind.axis,))
    same(ties, kind, op)


def mean(ties: Ties, kind: kinds.Mean, op: Op) -> None:
    """Channels pass, unless the mean is over them."""
    _hold_along(ties, op, kind.axes)
    labels = {axis: each for axis, each in ties.of(op.inputs[0]).items() if axis not in kind.axes}
    if not kind.keep_axes:
        labels = {axis - sum(gone < axis for gone in kind.axes): each for axis, each in labels.items()}
    ties.axes[op.outputs[0]] = labels


def concat(ties: Ties, kind: kinds.Concat, op: Op) -> None:
    """One after the other along the axis; the same channels along the others."""
    _label(ties, op.outputs, [_joined(ties, op, kind.axis)])


def split(ties: Ties, kind: kinds.Split, op: Op) -> None:
    """Each part has its own."""
    _label(ties, op.outputs, _parted(ties.of(op.inputs[0]), kind.axis, kind.sizes))


def slice_(ties: Ties, kind: kinds.Slice, op: Op) -> None:
    """Those chosen. Another step than 1 would choose others after a cut."""
    if kind.step != 1:
        _hold_along(ties, op, (kind.axis,))
    labels = dict(ties.of(op.inputs[0]))
    if kind.axis in labels:
        labels[kind.axis] = labels[kind.axis][kind.start : kind.stop : kind.step]
    ties.axes[op.outputs[0]] = labels


def transpose(ties: Ties, kind: kinds.Transpose, op: Op) -> None:
    """Channels go with their axis."""
    labels = ties.of(op.inputs[0])
    moved = {new: labels[old] for new, old in enumerate(kind.permutation) if old in labels}
    ties.axes[op.outputs[0]] = moved


def reshape(ties: Ties, kind: kinds.Reshape, op: Op) -> None:
    """Flattened, a channel becomes a run of its elements; what spreads over two axes cannot be cut along either."""
    result: dict[int, Labels] = {}
    shape = ties.shape(op.inputs[0])
    for axis, labels in ties.of(op.inputs[0]).items():
        spread = np.broadcast_to(labels.reshape(-1, *(1,) * (len(shape) - axis - 1)), shape).reshape(kind.shape)
        for new in range(spread.ndim):
            along = spread[tuple(slice(None) if each == new else slice(1) for each in range(spread.ndim))]
            if new not in result and np.array_equal(np.broadcast_to(along, spread.shape), spread):
                result[new] = along.ravel()
                break
        else:
            ties.hold(labels, str(op))
    ties.axes[op.outputs[0]] = result


def channel_shuffle(ties: Ties, kind: kinds.ChannelShuffle, op: Op) -> None:
    """A shuffle deals equal groups: a channel goes with its like in every group."""
    labels = {**ties.of(op.inputs[0]), 1: ties.on(op.inputs[0], 1, str(op))}
    _label(ties, op.outputs, [_shuffled(ties, labels, kind.groups)])


def concat_shuffle_split(ties: Ties, kind: kinds.ConcatShuffleSplit, op: Op) -> None:
    """The three, one after the other."""
    shuffled = _shuffled(ties, _joined(ties, op, 1), kind.groups)
    _label(ties, op.outputs, _parted(shuffled, 1, kind.sizes))


def pad(ties: Ties, kind: kinds.Pad, op: Op) -> None:
    """Channels pass, unless some are added."""
    padded = tuple(axis for axis, sides in enumerate(zip(kind.before, kind.after, strict=True)) if any(sides))
    _hold_along(ties, op, padded)
    ties.axes[op.outputs[0]] = {axis: each for axis, each in ties.of(op.inputs[0]).items() if axis not in padded}


def everything(ties: Ties, kind: object, op: Op) -> None:
    """A channel computed from its neighbours needs them all."""
    for name in op.inputs:
        _hold_along(ties, op, tuple(range(len(ties.shape(name)))), name)
    for name in op.outputs:
        if len(ties.shape(name)) > 1:
            ties.on(name, 1, str(op))


def _tie_groups(ties: Ties, labels: Labels, groups: int) -> None:
    table = labels.reshape(groups, -1)
    ties.tie(np.broadcast_to(table[:1], table.shape), table)


def _tie_vectors(ties: Ties, op: Op, labels: Labels, vectors: tuple[str, ...]) -> None:
    for name in vectors:
        ties.tie(labels, ties.on(name, 0, str(op)))


def _hold_along(ties: Ties, op: Op, axes: tuple[int, ...], name: str | None = None) -> None:
    for axis, labels in ties.of(name or op.inputs[0]).items():
        if axis in axes:
            ties.hold(labels, str(op))


def _joined(ties: Ties, op: Op, axis: int) -> dict[int, Labels]:
    axes = {each for name in op.inputs for each in ties.of(name)}
    result: dict[int, Labels] = {}
    for each in axes:
        labels = [ties.on(name, each, str(op)) for name in op.inputs]
        if each != axis:
            for other in labels[1:]:
                ties.tie(labels[0], other)
        result[each] = np.concatenate(labels) if each == axis else labels[0]
    return result


def _shuffled(ties: Ties, labels: dict[int, Labels], groups: int) -> dict[int, Labels]:
    _tie_groups(ties, labels[1], groups)
    return {**labels, 1: labels[1].reshape(groups, -1).T.ravel()}


def _parted(labels: dict[int, Labels], axis: int, sizes: tuple[int, ...]) -> list[dict[int, Labels]]:
    if axis not in labels:
        return [labels] * len(sizes)
    return [{**labels, axis: part} for part in np.split(labels[axis], np.cumsum(sizes)[:-1])]


def _label(ties: Ties, outputs: tuple[str, ...], labels: list[dict[int, Labels]]) -> None:
    ties.axes.update(zip(outputs, map(dict, labels), strict=True))


CHANNELS: dict[type[kinds.Kind], Callable[[Ties, Any, Op], None]] = {
    kinds.Convolution: convolution,
    kinds.Linear: linear,
    kinds.BatchNorm: batch_norm,
    kinds.Activation: same,
    kinds.Clip: same,
    kinds.Softmax: softmax,
    kinds.LogSoftmax: softmax,
    kinds.LocalResponseNorm: everything,
    kinds.Quantize: broadcast,
    kinds.Add: broadcast,
    kinds.Subtract: broadcast,
    kinds.Multiply: broadcast,
    kinds.Divide: broadcast,
    kinds.MaxPool: same,
    kinds.AveragePool: same,
    kinds.AdaptiveAveragePool: same,
    kinds.Mean: mean,
    kinds.Concat: concat,
    kinds.Split: split,
    kinds.Slice: slice_,
    kinds.Reshape: reshape,
    kinds.Transpose: transpose,
    kinds.ChannelShuffle: channel_shuffle,
    kinds.ConcatShuffleSplit: concat_shuffle_split,
    kinds.Pad: pad,
    kinds.Identity: same,
}
