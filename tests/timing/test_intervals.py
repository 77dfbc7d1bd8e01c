from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.errors import BadInput
from featherlight.timing import (
    NOISY_TIE,
    Machine,
    Target,
    median_interval,
    summarise,
    summarise_rounds,
    tell_apart,
)

TARGET = Target("torch", "2.13.0", 1, "f32", 1, Machine("a CPU", 2, ("avx2",), "Linux x86_64"))
TIMES = st.lists(st.floats(1e-6, 10), min_size=6, max_size=80)


@given(TIMES)
def test_the_interval_lies_between_samples_around_the_median(samples: list[float]) -> None:
    low, high = median_interval(samples) or (0.0, 0.0)
    assert low in samples
    assert high in samples
    assert low <= statistics.median(samples) <= high


@pytest.mark.parametrize(("count", "ranks"), [(6, (1, 6)), (8, (1, 8)), (9, (2, 8)), (20, (6, 15)), (100, (40, 61))])
def test_the_ranks_are_those_of_the_tables_of_the_sign_test(count: int, ranks: tuple[int, int]) -> None:
    assert median_interval([float(n) for n in range(1, count + 1)]) == ranks


@pytest.mark.parametrize("count", range(6))
def test_too_few_samples_have_no_interval(count: int) -> None:
    assert median_interval([1.0] * count) is None


def test_it_holds_the_true_median_as_often_as_it_says() -> None:
    draws = np.random.default_rng(0).exponential(size=(2000, 25))  # skewed, as times are
    intervals = [median_interval(sample.tolist()) or (0.0, 0.0) for sample in draws]
    held = statistics.mean(low <= math.log(2) <= high for low, high in intervals)
    assert 0.94 < held < 0.98  # the ranks (8, 18) of 25 hold it with 95.7 %


def test_two_times_that_share_their_noise_are_told_apart_by_what_is_left() -> None:
    noise = np.random.default_rng(0).lognormal(0, 0.5, 40)  # a machine whose times vary by half
    apart = tell_apart((1.1e-3 * noise).tolist(), (1e-3 * noise).tolist())
    assert apart.verdict == "slower"
    assert (apart.ratio, apart.low, apart.high) == pytest.approx((1.1, 1.1, 1.1))


def test_where_the_noise_is_larger_than_the_difference_nothing_can_be_told() -> None:
    noise = np.random.default_rng(0).lognormal(0, 0.5, (2, 20))
    apart = tell_apart((1.1 * noise[0]).tolist(), noise[1].tolist())
    assert apart.verdict == "cannot tell"
    assert str(apart).startswith("cannot tell: ")


def test_a_difference_that_where_things_lie_in_memory_makes_is_none() -> None:
    assert tell_apart([1.05] * 50, [1.0] * 50).verdict == "cannot tell"
    assert tell_apart([1.0] * 50, [1.05] * 50).verdict == "cannot tell"
    assert tell_apart([1.0] * 50, [1.07] * 50).verdict == "quicker"
    assert tell_apart([1.0] * 50, [1.07] * 50, tie=NOISY_TIE).verdict == "cannot tell"


def test_few_rounds_tell_nothing() -> None:
    apart = tell_apart([2.0] * 5, [1.0] * 5)
    assert apart.verdict == "cannot tell"
    assert (apart.ratio, apart.low, apart.high) == (2.0, 0.0, math.inf)


@given(TIMES)
def test_it_is_as_much_slower_as_the_other_is_quicker(times: list[float]) -> None:
    there, back = tell_apart(times, times[::-1]), tell_apart(times[::-1], times)
    assert (there.low, there.high) == pytest.approx((1 / back.high, 1 / back.low))


@pytest.mark.parametrize(("mine", "others"), [([], []), ([1.0], []), ([1.0, 2.0], [1.0]), ([1.0], [0.0])])
def test_what_cannot_be_compared_is_refused(mine: list[float], others: list[float]) -> None:
    with pytest.raises(BadInput, match=r"^(the two|times) must be "):
        tell_apart(mine, others)


def test_rounds_are_summarised_with_the_interval_of_their_medians() -> None:
    rounds = tuple((1.0 + n / 100, 1.0 + n / 100, 5.0) for n in range(10))
    timed = summarise_rounds(TARGET, rounds)
    assert timed.rounds == tuple(1.0 + n / 100 for n in range(10))
    assert timed.measurement.interval == (1.01, 1.08)
    assert timed.measurement.runs == 30
    assert summarise(TARGET, [1.0] * 6).interval == (1.0, 1.0)
    assert summarise(TARGET, [1.0] * 5).interval is None
