"""How sure a median is, and whether two times can be told apart: order statistics, without a bell curve assumed.

Times are not normal: they have a floor and a long tail. How many of n independent samples lie below the true median is
binomial with p = 1/2 whatever their distribution, so an interval between two of the sorted samples has a confidence
that can be counted (the interval of the sign test). Samples of one turn are not independent; rounds nearly are.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from featherlight.errors import must_be

CONFIDENCE = 0.95

# Processes of one and the same network differ, by where its tensors came to lie in memory and by what shares the
# caches. Of processes that ran MobileNet v3-small, in ONNX Runtime or OpenVINO on a busy machine, 52 of 60 pairs lay
# within 6 % of each other in time of the CPU, and by the clock some lay 16 % apart. So two networks that differ by no
# more are not told apart, however many rounds say so.
TIE = 0.06
NOISY_TIE = 0.2


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many times as long one takes as another, and between what bounds that is, with 95 % confidence.

    tie  how far from 1 the bounds must lie for the two to be told apart
    """

    ratio: float
    low: float
    high: float
    tie: float = TIE

    @property
    def verdict(self) -> Literal["quicker", "slower", "cannot tell"]:
        """Of the first one: "cannot tell" where the interval comes as near as `tie` to a ratio of 1."""
        if self.high < 1 / (1 + self.tie):
            return "quicker"
        return "slower" if self.low > 1 + self.tie else "cannot tell"

    def __str__(self) -> str:
        told = f"{self.ratio:.3g} times the time ({self.low:.3g} to {self.high:.3g})"
        return f"cannot tell: {told}" if self.verdict == "cannot tell" else told


def median_interval(samples: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """The narrowest pair of sorted `samples`, as far from one end as from the other, that holds the true median.

    It does with at least this `confidence`, where the samples are independent. None where they are too few for it:
    below six for 95 %.
    """
    count, tail = len(samples), 0.0
    outside = -1  # how many samples at each end may be left out
    for below in range(count // 2 + 1):
        tail += math.comb(count, below) / 2**count
        if 2 * tail > 1 - confidence:
            break
        outside = below
    if outside < 0:
        return None
    ordered = sorted(samples)
    return ordered[outside], ordered[count - 1 - outside]


def tell_apart(mine: Sequence[float], others: Sequence[float], *, tie: float = TIE) -> Comparison:
    """How many times as long `mine` take as `others`: one time of each for every round that they shared, in order.

    Each round gives a ratio, so that what slowed a whole round down cancels out; of these the median and its interval.
    Below six rounds it is without bounds: nothing can be told. `tie` should be `NOISY_TIE` on a noisy machine.
    Raises BadInput unless there are as many of one as of the other, one at least, all above 0.
    """
    if not len(mine) == len(others) > 0:
        raise must_be("the two", "as many times, of the same rounds", f"{len(mine)} and {len(others)}")
    if not all(time > 0 for time in (*mine, *others)):
        raise must_be("times", "above 0", min((*mine, *others)))
    ratios = [one / other for one, other in zip(mine, others, strict=True)]
    low, high = median_interval(ratios) or (0.0, math.inf)
    return Comparison(statistics.median(ratios), low, high, tie)
