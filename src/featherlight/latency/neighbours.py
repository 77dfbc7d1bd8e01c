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
        self._laws: dict[tuple[str, bool], _Law] = {}  # by kind, and whether it multiplies

    def tell(self, kind: str, multiply_adds: int, bytes_moved: int) -> Told:
        """An estimate by pieces of the same kind; where there are few, by all that multiply, or all that do not.

        Raises BadInput where these are few as well.
        """
        key = (kind, multiply_adds > 0)
        if key not in self._laws:
            self._laws[key] = _law(self._like(*key))
        return self._laws[key].tell(multiply_adds, bytes_moved)

    def _like(self, kind: str, multiplies: bool) -> list[Known]:
        same = [each for each in self._known if each.kind == kind]
        alike = [each for each in self._known if (each.multiply_adds > 0) == multiplies]
        for known in (same, alike):
            if len(known) >= LEAST:
                return known
        raise BadInput(f"the latency table tells nothing of a {kind}; pack networks that have the like")


@dataclass(frozen=True)
class _Law:
    """The law of some pieces: their costs as logarithms, its weights, and how far each piece's logarithm is off."""

    costs: np.ndarray
    weights: np.ndarray
    residuals: np.ndarray
    steps: float
    error: float

    def tell(self, multiply_adds: int, bytes_moved: int) -> Told:
        asked = np.array(_logarithms(multiply_adds, bytes_moved))
        residual = _nearest(np.abs(self.costs - asked).sum(axis=1), self.residuals)
        return Told(float(np.exp(asked @ self.weights + residual)), self.steps, self.error)


def _law(known: Sequence[Known]) -> _Law:
    costs = np.array([_logarithms(each.multiply_adds, each.bytes_moved) for each in known])
    times = np.log([each.seconds for each in known])
    weights, *_ = np.linalg.lstsq(costs, times, rcond=None)
    residuals = times - costs @ weights
    distances = np.abs(costs[:, None] - costs).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    errors = np.abs(np.exp(residuals - [_nearest(row, residuals) for row in distances]) - 1)
    steps = float(np.median([each.steps for each in known]))
    return _Law(costs, weights, residuals, steps, float(np.quantile(errors, 0.9)))


def _nearest(distances: np.ndarray, residuals: np.ndarray) -> float:
    return float(residuals[np.argsort(distances)[:NEAREST]].mean())


def _logarithms(multiply_adds: int, bytes_moved: int) -> tuple[float, float, float]:
    return 1.0, float(np.log(max(bytes_moved, 1))), float(np.log(max(multiply_adds, 1)))
