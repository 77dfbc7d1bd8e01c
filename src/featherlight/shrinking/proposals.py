"""What could be cut next: for each width of a network the least cut that makes it fast enough."""

from __future__ import annotations

import contextlib
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from featherlight.errors import BadInput
from featherlight.shrinking.carve import legal
from featherlight.shrinking.widths import Width, widths, with_channels
from featherlight.spec import Spec

BLOCK = 8
"""Channels that engines lay out side by side: with other numbers they fall back to plain layouts.

ONNX Runtime ran ShuffleNet v2 0.5x at 24 / 48 / 96 channels in 0.53 ms, and thinned to 20 / 41 / 82 in 0.77 ms.
"""

Clock: TypeAlias = Callable[[Spec], float]
"""Seconds that a network of a Spec takes for one image."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A network with one width cut, and the seconds that the clock tells of it."""

    width: str
    before: int
    channels: int
    spec: Spec
    seconds: float

    def __str__(self) -> str:
        return f"{self.width} {self.before} to {self.channels}"


def proposals(spec: Spec, clock: Clock, goal: float, num_classes: int, in_chans: int) -> tuple[Proposal, ...]:
    """One for each width that can bring the network to `goal` seconds or less, cut by as little as that takes.

    Yang et al. 2018, algorithm 1, line 7; all widths of `widths`, so an expansion, a residual's bottlenecks, a gate or
    a hidden layer (Howard et al. 2019, section 4.2).
    """
    found = (_least_cut(spec, width, clock, goal, num_classes, in_chans) for width in widths(spec))
    return tuple(proposal for proposal in found if proposal is not None)


def cuts(spec: Spec, width: Width, num_classes: int, in_chans: int) -> tuple[int, ...]:
    """The legal numbers of channels that are worth cutting to, largest first: whole blocks, where there are any."""
    allowed = legal(spec, width, num_classes, in_chans)
    return tuple(channels for channels in allowed if channels % BLOCK == 0) or allowed


def _least_cut(spec: Spec, width: Width, clock: Clock, goal: float, num_classes: int, in_chans: int) -> Proposal | None:
    allowed = cuts(spec, width, num_classes, in_chans)

    def seconds(at: int) -> float:
        return clock(with_channels(spec, width, allowed[at]))

    # Fewer channels take less time, but for steps of a vector's length: bisecting finds one end of such a step.
    if not allowed or seconds(len(allowed) - 1) > goal:
        return None
    at = bisect_left(range(len(allowed)), True, key=lambda at: seconds(at) <= goal)
    thinner = with_channels(spec, width, allowed[at])
    return Proposal(width.name, width.channels, allowed[at], thinner, clock(thinner))


def least(spec: Spec, num_classes: int, in_chans: int) -> Spec:
    """The network with each width cut as far as it can be by itself: about the least that cuts make of it."""
    thinner = spec
    for at, width in enumerate(widths(spec)):
        for channels in reversed(cuts(spec, width, num_classes, in_chans)):
            with contextlib.suppress(BadInput):  # not beside the cuts before it
                thinner = with_channels(thinner, widths(thinner)[at], channels)
                break
    return thinner
