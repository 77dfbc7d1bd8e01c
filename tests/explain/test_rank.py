from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from featherlight.explain.rank import rank_correlation

FIGURES = st.lists(st.integers(0, 10**6), min_size=3, max_size=30)


@given(FIGURES)
def test_the_same_order_is_one_and_the_opposite_minus_one(figures: list[int]) -> None:
    assume(len(set(figures)) > 1)
    assert rank_correlation(figures, [figure**3 + 7 for figure in figures]) == pytest.approx(1)
    assert rank_correlation(figures, [-figure for figure in figures]) == pytest.approx(-1)


def test_an_example_of_the_textbooks() -> None:
    iq, hours = (106, 100, 86, 101, 99, 103, 97, 113, 112, 110), (7, 27, 2, 50, 28, 29, 20, 12, 6, 17)
    assert rank_correlation(iq, hours) == pytest.approx(-29 / 165)  # 1 - 6 * 194 / (10 * 99)


def test_ties_share_their_mean_rank() -> None:
    assert rank_correlation([1, 2, 2, 3], [1, 2.5, 2.5, 4]) == pytest.approx(1)
    assert rank_correlation([1, 1, 2, 3], [2, 1, 3, 4]) == pytest.approx(0.9487, abs=1e-4)  # 4.5 / sqrt(4.5 * 5)


@pytest.mark.parametrize(("one", "other"), [([], []), ([1, 2], [1, 2]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [4, 4, 4])])
def test_where_nothing_can_be_said_nothing_is(one: list[float], other: list[float]) -> None:
    assert rank_correlation(one, other) is None
