"""Which candidates keep the budget, found with few measurements."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from featherlight.fitting.candidates import Candidate
from featherlight.timing import Measurement

Verdict: TypeAlias = Literal["fits", "undecided", "too slow", "too large", "too much memory"]

# Within this factor of the budget, on either side, a first measurement is not believed.
NEAR = 1.4
AGAIN = 3  # how often those are measured again

# A time grows with the width, less than its multiply-adds do, which grow with the square; and with the pixels.
WIDTH_POWER = 1.5
_SIZE_POWER = 2.0


def verdict(measurements: Sequence[Measurement], budget: float) -> Verdict:
    """Whether a candidate keeps the budget: its 90th percentile is what counts, in every measurement alike.

    Where one measurement says yes and another no, the noise is larger than the distance to the budget: undecided.
    """
    within = [measurement.p90 <= budget for measurement in measurements]
    return "fits" if all(within) else "undecided" if any(within) else "too slow"


def is_near(measurement: Measurement, budget: float) -> bool:
    """Whether a time is so close to the budget that it needs measuring again; a prediction never does."""
    return measurement.runs > 0 and budget / NEAR < measurement.p90 and measurement.median < budget * NEAR


def estimated_time(candidate: Candidate, times: Mapping[Candidate, float]) -> float:
    """The time that a candidate will take, by that of the nearest width and size of its network; inf without one."""
    known = [other for other in times if other.architecture == candidate.architecture]
    nearest = min(known, key=lambda other: abs(math.log(_cost(candidate, other))), default=None)
    return math.inf if nearest is None else times[nearest] * _cost(candidate, nearest)


def may_keep(
    candidate: Candidate, budget: float, times: Mapping[Candidate, float], verdicts: Mapping[Candidate, Verdict]
) -> bool:
    """Whether a candidate that was not measured is worth it: it should keep the budget, by the times of its network.

    So is one of whose network no time is known. Never where one of the same network that is neither wider nor larger is
    known not to.
    """
    hopeless = any(
        said != "fits"
        and other.architecture == candidate.architecture
        and other.width <= candidate.width
        and other.size <= candidate.size
        for other, said in verdicts.items()
    )
    unknown = all(other.architecture != candidate.architecture for other in times)
    return not hopeless and (unknown or estimated_time(candidate, times) <= budget)


def _cost(candidate: Candidate, other: Candidate) -> float:
    """How many times as long one takes as another of the same network."""
    return float((candidate.width / other.width) ** WIDTH_POWER * (candidate.size / other.size) ** _SIZE_POWER)
