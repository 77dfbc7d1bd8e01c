"""Which candidates keep the budget, found with few measurements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeAlias

from featherlight.fitting.candidates import Candidate
from featherlight.timing import Measurement

Verdict: TypeAlias = Literal["fits", "undecided", "too slow"]

# Within this factor of the budget, on either side, a first measurement is not believed.
NEAR = 1.4
AGAIN = 3  # how often those are measured again

# A time grows with the width, less than its multiply-adds do, which grow with the square.
_TIME_POWER = 1.5


def verdict(measurements: Sequence[Measurement], budget: float) -> Verdict:
    """Whether a candidate keeps the budget: its 90th percentile is what counts, in every measurement alike.

    Where one measurement says yes and another no, the noise is larger than the distance to the budget: undecided.
    """
    within = [measurement.p90 <= budget for measurement in measurements]
    return "fits" if all(within) else "undecided" if any(within) else "too slow"


def is_near(measurement: Measurement, budget: float) -> bool:
    """Whether a time is so close to the budget that it needs measuring again."""
    return budget / NEAR < measurement.p90 and measurement.median < budget * NEAR


def probe(
    widths: Sequence[Candidate], budget: float, time: Callable[[Candidate], Measurement]
) -> Iterator[tuple[Candidate, Measurement]]:
    """Times as few of one network's `widths` (thinnest first) as it takes to find the widest that keeps the budget.

    A wider one is slower, so each measurement rules out all on one side of it. The first guess is the middle; from the
    second on, the last time tells where to look.
    """
    low, high = 0, len(widths) - 1
    guess = (low + high) // 2
    while low <= high:
        measured = time(widths[guess])
        yield widths[guess], measured
        if measured.median <= budget:
            low = guess + 1
        else:
            high = guess - 1
        reach = widths[guess].width * (budget / measured.median) ** (1 / _TIME_POWER)
        within = [index for index in range(low, high + 1) if widths[index].width <= reach]
        guess = max(within, default=low)
