"""Whether two figures put things in the same order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEAST = 3  # of two things, any two figures that differ are in the same order or the opposite one


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Spearman's: 1 where both put things in the same order, -1 where in the opposite one, 0 where neither tells.

    Ties share their mean rank. None for fewer than three things, or where one of the figures is the same for all.
    """
    if len(one) < LEAST or min(one) == max(one) or min(other) == max(other):
        return None
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: Sequence[float]) -> NDArray[np.float64]:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)  # the rank of the last of each group of ties
    ranks: NDArray[np.float64] = (last - (count - 1) / 2)[place]
    return ranks
