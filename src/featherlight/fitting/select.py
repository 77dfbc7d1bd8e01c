"""Which candidates keep the budget, found with few measurements."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
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


def probe(
    widths: Sequence[Candidate], budget: float, time: Callable[[Candidate], Measurement | None]
) -> Iterator[tuple[Candidate, Measurement]]:
    """Times as few of one network's `widths` (thinnest first) as it takes to find the widest that keeps the budget.

    A wider one is slower, so each measurement rules out all on one side of it. The first guess is the middle; from the
    second on, the last time tells where to look. Where `time` gives None the candidate breaks another limit, and so
    does every wider one.
    """
    low, high = 0, len(widths) - 1
    guess = (low + high) // 2
    while low <= high:
        measured = time(widths[guess])
        if measured is None:
            high = guess - 1
            guess = (low + high) // 2
            continue
        yield widths[guess], measured
        if measured.median <= budget:
            low = guess + 1
        else:
            high = guess - 1
        reach = widths[guess].width * (budget / measured.median) ** (1 / WIDTH_POWER)
        within = [index for index in range(low, high + 1) if widths[index].width <= reach]
        guess = max(within, default=low)


def estimated_time(candidate: Candidate, times: Mapping[Candidate, float]) -> float:
    """The time that a candidate will take, by that of the nearest width and size of its network; inf without one."""
    known = [other for other in times if other.architecture == candidate.architecture]
    nearest = min(known, key=lambda other: abs(math.log(_cost(candidate, other))), default=None)
    return math.inf if nearest is None else times[nearest] * _cost(candidate, nearest)


def may_keep(
    candidate: Candidate, budget: float, times: Mapping[Candidate, float], verdicts: Mapping[Candidate, Verdict]
) -> bool:
    """Whether a candidate that was not measured is worth it: it should keep the budget, by what is known of others.

    Never where one of the same network that is neither wider nor larger is known not to.
    """
    hopeless = any(
        said != "fits"
        and other.architecture == candidate.architecture
        and other.width <= candidate.width
        and other.size <= candidate.size
        for other, said in verdicts.items()
    )
    return not hopeless and estimated_time(candidate, times) <= budget


def _cost(candidate: Candidate, other: Candidate) -> float:
    """How many times as long one takes as another of the same network."""
    return float((candidate.width / other.width) ** WIDTH_POWER * (candidate.size / other.size) ** _SIZE_POWER)
