"""Whether things come in the same order of speed here as in a paper."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from featherlight.timing import Measurement

TIE = 0.03  # medians nearer than this are a tie, the paper's as well: a table of few digits says no more

# The standard error of a median, as a share of the distance from the 10th to the 90th percentile, times the square root
# of the number of samples: 1.25 standard deviations (of a normal distribution) over 2.56 of them.
_MEDIAN_ERROR = 1.2533 / 2.5631


@dataclass(frozen=True, slots=True)
class Order:
    """How an order measured here stands to a paper's: the pairs that the paper tells apart, its quicker one first.

    same      quicker here as well
    reverse   slower here
    tie       neither
    """

    same: tuple[tuple[str, str], ...]
    reverse: tuple[tuple[str, str], ...]
    tie: tuple[tuple[str, str], ...]

    @property
    def verdict(self) -> Literal["agrees", "agrees in part", "cannot tell", "disagrees"]:
        """Disagrees where a pair is the other way round, agrees where none is and none is a tie."""
        if self.reverse:
            return "disagrees"
        if not self.tie:
            return "agrees"
        return "agrees in part" if self.same else "cannot tell"

    def __str__(self) -> str:
        reversed_ = [f"{slow} is quicker than {quick}" for quick, slow in self.reverse]
        pairs = len(self.same) + len(self.reverse) + len(self.tie)
        ties = (
            [f"{len(self.tie)} of {pairs} pairs {'are ties' if len(self.tie) > 1 else 'is a tie'}"] if self.tie else []
        )
        return f"{self.verdict}{': ' if reversed_ or ties else ''}{', '.join((*reversed_, *ties))}"


def against_paper(paper: Mapping[str, float], here: Mapping[str, Measurement]) -> Order:
    """How the order of the times `here` stands to that of the paper's speeds (a second: higher is quicker).

    Of each pair that the paper tells apart by more than 3 %, the medians here are compared; they are a tie where they
    differ by less than 3 %, or by less than two standard errors of their difference.
    """
    same: list[tuple[str, str]] = []
    reverse: list[tuple[str, str]] = []
    tie: list[tuple[str, str]] = []
    for one, other in itertools.combinations(paper, 2):
        if abs(math.log(paper[one] / paper[other])) <= TIE:
            continue
        quick, slow = (one, other) if paper[one] > paper[other] else (other, one)
        difference = math.log(here[slow].median / here[quick].median)
        if abs(difference) <= max(TIE, 2 * math.hypot(_error(here[slow]), _error(here[quick]))):
            tie.append((quick, slow))
        else:
            (same if difference > 0 else reverse).append((quick, slow))
    return Order(tuple(same), tuple(reverse), tuple(tie))


def _error(time: Measurement) -> float:
    """The standard error of a median, as a share of it."""
    return _MEDIAN_ERROR * (time.p90 - time.p10) / time.median / math.sqrt(time.runs)
