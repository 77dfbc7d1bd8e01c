"""Which channels of which tensors are the same channel: what must stay or go together when a network is cut.

A convolution's weight has channels along two axes: those it makes (0) and those it reads (1). So the channels of a
residual block, the input's and the output's, are tied like this, each column a group:

    stem.weight   axis 0    0  1  2  3      made here
    stem          axis 1    0  1  2  3
    expand.weight axis 1    0  1  2  3      read here
    project.weight axis 0   0  1  2  3      made here again, because
    project       axis 1    0  1  2  3
    sum           axis 1    0  1  2  3      sum = stem + project
    norm.variance axis 0    0  1  2  3      a vector of the batch norm

Here channels can go one by one. Where a shuffle or a group convolution stands, columns grow together: in each group of
a group convolution as many channels must stay as in the others, so a channel goes with its like in every group.
`rules/channels.py` says it for each kind. Splits and flattening only say where a channel is found.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from featherlight.graph.ir import Graph, Op
from featherlight.graph.kinds import Convolution, Linear
from featherlight.graph.rules.channels import CHANNELS, Ties


@dataclass(frozen=True, slots=True)
class Part:
    """Where some channels are found: indices along an axis of a tensor, which may be a constant."""

    tensor: str
    axis: int
    channels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ChannelGroup:
    """Channels that stay or go together, in every tensor that has them.

    parts    in the order in which the graph meets them
    makers   convolutions and linear layers that make them: their weights' axis 0 is among the parts
    readers  those that read them: axis 1; a depthwise convolution only passes them on, and is neither
    held     why they cannot go: "input x", "output y", or the operation that needs them all; empty if they can
    """

    parts: tuple[Part, ...]
    makers: tuple[Op, ...]
    readers: tuple[Op, ...]
    held: str

    def channels(self, tensor: str, axis: int = 1) -> tuple[int, ...]:
        """Its indices along an axis of a tensor; none if it has none there."""
        return next((part.channels for part in self.parts if (part.tensor, part.axis) == (tensor, axis)), ())


def channel_groups(graph: Graph) -> tuple[ChannelGroup, ...]:
    """The channels of every tensor, each in exactly one group; a group that is not held can be deleted whole.

    What an operation that holds its channels makes of them may be in no group: it cannot be cut anyway.
    If no reader gives weight to a group's channels, deleting it leaves the outputs as they are. Expects channel
    shuffles as one operation (`passes.canonical`): one in pieces holds its channels. A cut of a `Spec` may ask for
    more than this: ShuffleNet v2's rows, say, that both halves of each unit keep the same number.
    """
    ties = Ties(graph)
    for name in graph.inputs:
        if len(graph.tensors[name].shape) > 1:
            ties.on(name, 1, f"input {name}")
    for op in graph.ops:
        CHANNELS[type(op.kind)](ties, op.kind, op)
    for name in graph.outputs:
        for labels in ties.of(name).values():
            ties.hold(labels, f"output {name}")
    return _collected(graph, ties)


def unit(groups: Iterable[ChannelGroup], tensor: str, axis: int = 1) -> int:
    """The largest number that divides every cut of a tensor's channels; 0 if none can go.

    Not every multiple of it is a cut: the groups' own sizes say which are.
    """
    return math.gcd(*(len(group.channels(tensor, axis)) for group in groups if not group.held))


def widths(groups: Iterable[ChannelGroup]) -> tuple[tuple[ChannelGroup, ...], ...]:
    """The groups that can go, those found along the same axes of the same tensors together.

    Each tuple is one width of the network: how many of its groups stay may be chosen by itself, as long as one does.
    """
    alike: dict[tuple[tuple[str, int], ...], list[ChannelGroup]] = defaultdict(list)
    for group in groups:
        if not group.held:
            alike[tuple((part.tensor, part.axis) for part in group.parts)].append(group)
    return tuple(tuple(each) for each in alike.values())


def _collected(graph: Graph, ties: Ties) -> tuple[ChannelGroup, ...]:
    found: dict[int, dict[tuple[str, int], list[int]]] = {}
    for name, axes in ties.axes.items():
        for axis, labels in axes.items():
            for index, label in enumerate(labels.tolist()):
                found.setdefault(ties.root(label), {}).setdefault((name, axis), []).append(index)
    held = {ties.root(label): why for label, why in reversed(ties.held.items())}
    weights: dict[str, list[Op]] = defaultdict(list)
    for op in graph.ops:
        if isinstance(op.kind, Convolution | Linear):
            weights[op.inputs[1]].append(op)
    return tuple(
        ChannelGroup(
            tuple(Part(name, axis, tuple(channels)) for (name, axis), channels in places.items()),
            tuple(op for name, axis in places if axis == 0 for op in weights[name] if not _passes(graph, op)),
            tuple(op for name, axis in places if axis == 1 for op in weights[name]),
            held.get(root, ""),
        )
        for root, places in found.items()
    )


def _passes(graph: Graph, op: Op) -> bool:
    """Whether it is a depthwise convolution."""
    return isinstance(op.kind, Convolution) and 1 < op.kind.groups == graph.tensors[op.inputs[0]].shape[1]
