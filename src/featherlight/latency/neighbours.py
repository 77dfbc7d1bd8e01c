"""What a piece takes that was never timed, as the timed ones of its kind tell it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from featherlight.errors import BadInput

LEAST = 8  # pieces that tell another; of fewer it would be told by chance
NEAREST = 3


class Known(NamedTuple):
    """A piece that was timed."""

    kind: str
    multiply_adds: int
    bytes_moved: int
    steps: float
    seconds: float


@dataclass(frozen=True)
class Told:
    """An estimate; `error` is the share of it by which nine in ten of the pieces that tell it would be off at most."""

    seconds: float
    steps: float
    error: float


class Neighbours:
    """Pieces of a kind follow a power law, seconds = a x bytes^b x multiply-adds^c, and differ from it as near ones do.

    It is fitted by least squares of the logarithms.
    """

    def __init__(self, known: Iterable[Known]) -> None:
        self._known = [each for each in known if each.seconds > 0]

    def tell(self, kind: str, multiply_adds: int, bytes_moved: int) -> Told:
        """An estimate by pieces of the same kind; where there are few, by all that multiply, or all that do not.

        Raises BadInput where these are few as well.
        """
        same = [each for each in self._known if each.kind == kind]
        alike = [each for each in self._known if (each.multiply_adds > 0) == (multiply_adds > 0)]
        for known in (same, alike):
            if len(known) >= LEAST:
                return _told(known, multiply_adds, bytes_moved)
        raise BadInput(f"the latency table tells nothing of a {kind}; pack networks that have the like")


def _told(known: Sequence[Known], multiply_adds: int, bytes_moved: int) -> Told:
    costs = np.array([_logarithms(each.multiply_adds, each.bytes_moved) for each in known])
    times = np.log([each.seconds for each in known])
    weights, *_ = np.linalg.lstsq(costs, times, rcond=None)
    residuals = times - costs @ weights
    distances = np.abs(costs[:, None] - costs).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    errors = np.abs(np.exp(residuals - [_nearest(row, residuals) for row in distances]) - 1)
    asked = np.array(_logarithms(multiply_adds, bytes_moved))
    residual = _nearest(np.abs(costs - asked).sum(axis=1), residuals)
    steps = float(np.median([each.steps for each in known]))
    return Told(float(np.exp(asked @ weights + residual)), steps, float(np.quantile(errors, 0.9)))


def _nearest(distances: np.ndarray, residuals: np.ndarray) -> float:
    return float(residuals[np.argsort(distances)[:NEAREST]].mean())


def _logarithms(multiply_adds: int, bytes_moved: int) -> tuple[float, float, float]:
    return 1.0, float(np.log(max(bytes_moved, 1))), float(np.log(max(multiply_adds, 1)))
