"""From the times of pieces to that of a network: a line, and how far networks come to lie from it.

    time = scale x (sum over the pieces) - overhead x (number of steps)

An engine that is traced spends some microseconds a step on writing it down, which the sum holds and the network does
not pay; and a piece timed by itself meets other caches than in its network. Both are the same for all networks, nearly.
An intercept is left out: what a call costs once is smaller than what three unknowns would make of the noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Of a prediction from a table that holds too few whole networks to tell its error by: an assumption, not a measurement.
ASSUMED = (0.75, 1.25)


@dataclass(frozen=True)
class Whole:
    """A network that was run whole: its seconds, and the sums of its pieces' seconds and steps."""

    family: str
    seconds: float
    pieces: float
    steps: float


@dataclass(frozen=True)
class Calibrated:
    """The line, and between which `ratios` of measured to predicted time nine in ten networks lie, left out of it."""

    scale: float
    overhead: float
    ratios: tuple[float, float] = ASSUMED

    @property
    def assumed(self) -> bool:
        """Whether too few networks were run whole to tell the ratios."""
        return self.ratios == ASSUMED

    def seconds(self, pieces: float, steps: float) -> float:
        """A network's time; a tenth of its pieces' at least, should the line lead beyond what it was fitted on."""
        return max(self.scale * pieces - self.overhead * steps, pieces / 10)


def calibrated(networks: Sequence[Whole]) -> Calibrated:
    """The line through these networks; its error is that on each family by a line through the others.

    Where there is one family, each network is left out by itself; where too few are left, the error is `ASSUMED`.
    """
    line = _line(networks)
    names = [network.family for network in networks]
    groups = names if len(set(names)) > 1 else [str(at) for at in range(len(networks))]
    if len(set(groups)) < 3:
        return line
    ratios = []
    for left_out in sorted(set(groups)):
        others = [network for network, group in zip(networks, groups, strict=True) if group != left_out]
        tried = _line(others)
        ratios += [network.seconds / tried.seconds(network.pieces, network.steps)
                   for network, group in zip(networks, groups, strict=True) if group == left_out]  # fmt: skip
    low, high = (float(value) for value in np.quantile(ratios, (0.05, 0.95)))
    return Calibrated(line.scale, line.overhead, (min(low, 1.0), max(high, 1.0)))


def _line(networks: Sequence[Whole]) -> Calibrated:
    """Least squares of the relative errors, so that quick networks count as much as slow ones."""
    if not networks:
        return Calibrated(1.0, 0.0)
    pieces, steps = (np.array([getattr(n, name) / n.seconds for n in networks]) for name in ("pieces", "steps"))
    if len(networks) > 2:
        (scale, negative), *_ = np.linalg.lstsq(np.stack([pieces, steps], axis=1), np.ones(len(networks)), rcond=None)
        if scale > 0 and negative <= 0:
            return Calibrated(float(scale), float(-negative))
    return Calibrated(float(pieces.sum() / (pieces @ pieces)), 0.0)
