"""What a piece takes that was never timed, as the timed ones of its kind tell it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from featherlight.errors import BadInput

LEAST = 8  # pieces that make a law; through fewer it would be drawn by chance
NEAREST = 3

# Of fewer pieces: seconds go with this power of the bytes, as far as tables of small networks by ONNX Runtime show
# (MobileNet v3-small 0.35x and ShuffleNet v2 0.5x at 28 pixels). One to seven pieces of a kind, drawn from those, were
# off by this share at most in nine cases of ten, whatever the kind.
FEW_POWER, FEW_ERROR = 0.25, 0.8


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

    It is fitted by least squares of the logarithms. A network of a few rows has too few pieces for that: then the
    nearest tell.
    """

    def __init__(self, known: Iterable[Known]) -> None:
        self._known = list(known)
        self._laws: dict[tuple[str, bool], _Law | _Few] = {}  # by kind, and whether it multiplies

    def tell(self, kind: str, multiply_adds: int, bytes_moved: int) -> Told:
        """An estimate by pieces of the same kind; where there are few, by all that multiply, or all that do not.

        Where these are few as well, by the few of its kind, or by those. Raises BadInput where there are none.
        """
        key = (kind, multiply_adds > 0)
        if key not in self._laws:
            self._laws[key] = self._law(*key)
        return self._laws[key].tell(multiply_adds, bytes_moved)

    def _law(self, kind: str, multiplies: bool) -> _Law | _Few:
        same = [each for each in self._known if each.kind == kind]
        alike = [each for each in self._known if (each.multiply_adds > 0) == multiplies]
        for known in (same, alike):
            timed = [each for each in known if each.seconds > 0]  # others have no logarithm
            if len(timed) >= LEAST:
                return _law(timed)
        if few := same or alike:
            return _Few(few)
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


@dataclass(frozen=True)
class _Few:
    """Pieces too few for a law, or too quick for an engine's clock: the nearest tell, by their bytes alone."""

    known: Sequence[Known]

    def tell(self, multiply_adds: int, bytes_moved: int) -> Told:
        times_as_many = [max(bytes_moved, 1) / max(each.bytes_moved, 1) for each in self.known]
        scaled = [each.seconds * many**FEW_POWER for each, many in zip(self.known, times_as_many, strict=True)]
        nearest = np.argsort(np.abs(np.log(times_as_many)), kind="stable")[:NEAREST]
        steps = float(np.median([each.steps for each in self.known]))
        return Told(float(np.mean([scaled[at] for at in nearest])), steps, FEW_ERROR)


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
