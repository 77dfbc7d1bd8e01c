from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.errors import BadInput
from featherlight.timing import NOISY, Machine, Target, spread, summarise

TARGET = Target("torch", "2.13.0", 1, "f32", 1, Machine("a CPU", 2, ("avx2",), "Linux x86_64"))
TIMES = st.lists(st.floats(1e-6, 10), min_size=1, max_size=50)


@given(TIMES)
def test_percentiles_are_in_order_and_among_the_samples(samples: list[float]) -> None:
    time = summarise(TARGET, samples)
    within = (min(samples), time.p10, time.median, time.p90, max(samples))
    assert all(low <= high * (1 + 1e-12) for low, high in pairwise(within))
    assert time.runs == len(samples)
    assert time.target is TARGET


@given(TIMES)
def test_noisy_follows_its_rule_and_no_unit(samples: list[float]) -> None:
    assert summarise(TARGET, samples).noisy == (spread(samples) > NOISY)
    assert spread([1000 * time for time in samples]) == pytest.approx(spread(samples))


def test_the_percentiles_of_a_ruler() -> None:
    time = summarise(TARGET, [float(n) for n in range(1, 102)])
    assert (time.p10, time.median, time.p90) == (11, 51, 91)
    assert time.noisy


def test_one_outlier_in_twenty_does_not_make_noise() -> None:
    assert not summarise(TARGET, [1.0] * 19 + [50.0]).noisy


@pytest.mark.parametrize("samples", [[], [0.0], [1.0, -1.0], [1.0, float("nan")]])
def test_no_time_is_no_measurement(samples: list[float]) -> None:
    with pytest.raises(BadInput, match=r"^samples must be one or more times above 0"):
        summarise(TARGET, samples)
