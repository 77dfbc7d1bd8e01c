"""A thinner network's weights, carved out of a wider one's.

Which channels may go is asked of the wider network's graph (`graph.channel_groups`): channels that are the same
channel go together, in every weight that has them. So what is left computes what the whole network would if the
channels that went had been silent, through residual sums, gates, concatenations, groups and shuffles alike.

Not every Spec that is valid can be carved. A ShuffleNet's shuffles tie channels over a whole stage, and each of its
convolutions must lose as many as the others: its first stage of 48 channels can be cut to 32 or 16 and to nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from featherlight.errors import BadInput
from featherlight.graph import ChannelGroup, channel_groups, from_spec
from featherlight.graph.passes import channel_shuffle, drop_identity
from featherlight.layers.shapes import weight_shapes
from featherlight.shrinking.widths import Width, widths, with_channels
from featherlight.spec import Spec, total_stride

Weights: TypeAlias = Mapping[str, Tensor]
Axis: TypeAlias = tuple[str, int]  # of a weight
Score: TypeAlias = Callable[[Weights, ChannelGroup], float]


class IllegalCut(BadInput):
    """A Spec that cannot be carved out of another; `nearest` are the nearest channels that can be."""

    def __init__(self, sentence: str, nearest: tuple[int, ...] = ()) -> None:
        super().__init__(sentence)
        self.nearest = nearest


def filter_norm(weights: Weights, group: ChannelGroup) -> float:
    """The L2 norm of the filters that make these channels (Yang et al. 2018, section 3.2)."""
    made = [op.inputs[1] for op in group.makers]
    return math.sqrt(sum(_of(weights, name, 0, group).square().sum().item() for name in made))


def carve(weights: Weights, old: Spec, new: Spec, score: Score = filter_norm) -> dict[str, Tensor]:
    """The weights of a network of `new`, carved out of those (a state_dict) of a network of `old`.

    Of the channels that may go, those with the lowest `score` do. Raises IllegalCut where no choice of channels turns
    `old` into `new`, with the nearest widths that can be had.
    """
    gone = removed(weights, old, new, score)
    carved = {}
    for name, tensor in weights.items():
        for axis in range(tensor.dim()):
            if (name, axis) in gone:
                stay = np.setdiff1d(np.arange(tensor.shape[axis]), gone[name, axis])
                tensor = tensor.index_select(axis, torch.from_numpy(stay).to(tensor.device))
        carved[name] = tensor.clone()
    return carved


def removed(
    weights: Weights, old: Spec, new: Spec, score: Score = filter_norm
) -> dict[tuple[str, int], NDArray[np.int64]]:
    """Which channels `carve` takes away: indices for each weight and axis."""
    structure = _structure(old, *_ends(weights))
    cut = structure.cut(new)
    if cut is None:
        raise _illegal(structure, old, new)
    gone: dict[Axis, list[int]] = {}
    for groups, count in zip(structure.classes, cut, strict=True):
        for group in sorted(groups, key=lambda group: score(weights, group))[:count]:
            for part in group.parts:
                gone.setdefault((part.tensor, part.axis), []).extend(part.channels)
    return {place: np.sort(np.asarray(channels)) for place, channels in gone.items() if place[0] in weights}


def legal(spec: Spec, width: Width, num_classes: int = 1000, in_chans: int = 3) -> tuple[int, ...]:
    """To which numbers of channels below its own a width can be cut, largest first."""
    return _structure(spec, num_classes, in_chans).legal(width)


def norms(weights: Weights, spec: Spec, width: Width, score: Score = filter_norm) -> tuple[float, ...]:
    """The scores of the groups of channels that a width is made of, smallest first; none where it cannot be cut."""
    structure = _structure(spec, *_ends(weights))
    allowed = structure.legal(width)
    cut = structure.cut(with_channels(spec, width, allowed[0])) if allowed else None
    groups = [g for some, count in zip(structure.classes, cut or (), strict=False) if count for g in some]
    return tuple(sorted(score(weights, group) for group in groups))


class _Structure:
    """A network's channel groups, those alike in the same class, and how each class counts in the weights' shapes."""

    def __init__(self, spec: Spec, num_classes: int, in_chans: int) -> None:
        self.spec, self.ends = spec, (num_classes, in_chans)
        size = 4 * total_stride(spec)
        graph = from_spec(spec, (1, in_chans, size, size), num_classes)
        for each in (drop_identity, channel_shuffle, drop_identity):
            graph = each(graph)
        self.shapes = weight_shapes(spec, *self.ends)
        alike: dict[tuple[tuple[str, int, int], ...], list[ChannelGroup]] = {}
        for group in channel_groups(graph):
            if not group.held:
                counted = tuple((p.tensor, p.axis, len(p.channels)) for p in group.parts if p.tensor in self.shapes)
                alike.setdefault(counted, []).append(group)
        self.classes = list(alike.values())
        self.axes = [(name, axis) for name, shape in self.shapes.items() for axis in range(len(shape))]
        row = {place: at for at, place in enumerate(self.axes)}
        self.counts = np.zeros((len(self.axes), len(alike)))
        for column, counted in enumerate(alike):
            for name, axis, count in counted:
                self.counts[row[name, axis], column] += count

    def cut(self, new: Spec) -> tuple[int, ...] | None:
        """How many groups of each class go to make `new`; None where no number does it."""
        return self._whole(self._shares(self._less(new)))

    def legal(self, width: Width) -> tuple[int, ...]:
        """The numbers below its own that a width can be cut to, largest first."""
        allowed = [n for n in range(width.channels - 1, 0, -1) if _spec(self.spec, width, n) is not None]
        if not allowed:
            return ()
        # Shapes are linear in a width, so what one channel less takes tells it of all: one network is built.
        new = with_channels(self.spec, width, allowed[0])
        shares = self._shares(self._less(new))
        if shares is None:
            return ()
        each = shares / (width.channels - allowed[0])
        return tuple(n for n in allowed if self._whole((width.channels - n) * each) is not None)

    def _less(self, new: Spec) -> NDArray[np.float64]:
        """By how much each axis of each weight is shorter in `new`."""
        shapes = weight_shapes(new, *self.ends)
        if {name: len(shape) for name, shape in shapes.items()} != {n: len(s) for n, s in self.shapes.items()}:
            raise IllegalCut("a network can only be carved out of one with the same rows, wider or as wide")
        return np.asarray([self.shapes[name][axis] - shapes[name][axis] for name, axis in self.axes], np.float64)

    def _shares(self, less: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """How many groups of each class take that much away, perhaps no whole numbers; None where none do."""
        shares = np.asarray(np.linalg.lstsq(self.counts, less, rcond=None)[0], np.float64)
        return shares if np.allclose(self.counts @ shares, less, atol=1e-6) else None

    def _whole(self, shares: NDArray[np.float64] | None) -> tuple[int, ...] | None:
        """The shares as whole numbers of groups; None where they are none or the classes do not have so many."""
        if shares is None or not np.allclose(shares, np.rint(shares), atol=1e-6):
            return None
        counts = [int(count) for count in np.rint(shares)]
        fits = all(0 <= count <= len(groups) for count, groups in zip(counts, self.classes, strict=True))
        return tuple(counts) if fits else None


def _illegal(structure: _Structure, old: Spec, new: Spec) -> IllegalCut:
    for width in widths(old):
        other = next((each for each in widths(new) if each.places == width.places), None)
        if other is None or other.channels == width.channels:
            continue
        if other.channels > width.channels:
            return IllegalCut(f"{width.name} must be at most {width.channels}; got {other.channels}", (width.channels,))
        allowed = (width.channels, *structure.legal(width))
        if other.channels not in allowed:
            above = min(each for each in allowed if each > other.channels)
            below = max((each for each in allowed if each < other.channels), default=None)
            nearest = (above,) if below is None else (below, above)
            told = " or ".join(str(each) for each in nearest)
            return IllegalCut(f"{width.name} cannot go from {width.channels} to {other.channels}: {told} can", nearest)
    return IllegalCut("the rows differ in more than their widths, or their widths cannot be cut at the same time")


def _spec(spec: Spec, width: Width, channels: int) -> Spec | None:
    try:
        return with_channels(spec, width, channels)
    except BadInput:
        return None


def _ends(weights: Weights) -> tuple[int, int]:
    """The classes and the image channels of the network whose state_dict this is."""
    tensors = [tensor for name, tensor in weights.items() if name.endswith("weight") and tensor.dim() > 1]
    return tensors[-1].shape[0], tensors[0].shape[1]


@lru_cache(maxsize=64)
def _structure(spec: Spec, num_classes: int, in_chans: int) -> _Structure:
    return _Structure(spec, num_classes, in_chans)


def _of(weights: Weights, name: str, axis: int, group: ChannelGroup) -> Tensor:
    return weights[name].index_select(axis, torch.tensor(group.channels(name, axis), device=weights[name].device))
