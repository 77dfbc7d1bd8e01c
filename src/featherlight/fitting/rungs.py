"""Successive halving: who starts, how far each rung trains, who goes on (Jamieson and Talwalkar 2016, section 3).

Every rung takes the same share of the time and trains its candidates on the same number of images, so that a slow
trainer is judged by what it learns and not by how early it is; the better half goes on. After the last rung one is
left, and has the rest of the time.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from featherlight.fitting.candidates import Candidate

C = TypeVar("C", bound=Hashable)

MOST_STARTERS = 8  # three rungs
RUNG_SHARE = 0.13  # of the time, for each rung: three of them leave 61 % for the last one
LEAST_IMAGES = 3_000  # a heat of fewer tells less than is known before: after ten steps all stand at chance
VALIDATED = 1_000  # validation images that tell enough of a heat, to about a point; the last one is held against all
CHECK = 1 / 3  # of the time of training on an image is what it costs to validate on one
WIDTHS_EACH = 2  # of one network at most start: the papers may be wrong about it


def rungs(starters: int) -> int:
    """How often `starters` can be halved until one is left."""
    return math.ceil(math.log2(starters)) if starters > 1 else 0


def last_share(starters: int) -> float:
    """The share of the time that is left for the last one."""
    return 1 - RUNG_SHARE * rungs(starters)


def field(promise: Mapping[Candidate, float], most: int = MOST_STARTERS) -> list[Candidate]:
    """The candidates of the least predicted error, best first: `most` in all and WIDTHS_EACH of one network."""
    chosen: list[Candidate] = []
    for candidate in sorted(promise, key=lambda candidate: promise[candidate]):
        if sum(other.architecture == candidate.architecture for other in chosen) < WIDTHS_EACH:
            chosen.append(candidate)
    return chosen[:most]


def heat_seconds(images: float, rate: float, validation: int) -> float:
    """What a heat takes with its validation, of a candidate that trains on `rate` images a second."""
    return (images + CHECK * validation) / rate


def heat_images(rates: Sequence[float], seconds: float, validation: int) -> float:
    """The images that each candidate of a rung trains on: as many as the rung's share of the time allows.

    `rates` are the images a second that each of them trains on. Below zero where validating alone takes longer.
    """
    return RUNG_SHARE * seconds / sum(1 / rate for rate in rates) - CHECK * validation


def starters(rates: Sequence[float], seconds: float, validation: int) -> int:
    """How many start, of candidates whose training rates stand in order of promise: as many as learn anything.

    One, where the time is too short for two to see LEAST_IMAGES: then what is known before decides.
    """
    counts = range(min(MOST_STARTERS, len(rates)), 1, -1)
    return next((count for count in counts if heat_images(rates[:count], seconds, validation) >= LEAST_IMAGES), 1)


def survivors(promise: Mapping[C, float]) -> list[C]:
    """The half with the least predicted error, rounded up, best first."""
    ranked = sorted(promise, key=lambda candidate: promise[candidate])
    return ranked[: math.ceil(len(ranked) / 2)]
