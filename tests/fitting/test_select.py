from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.fitting.candidates import Candidate, candidates, expected_error
from featherlight.fitting.select import is_near, probe, verdict
from featherlight.models import entry
from featherlight.spec import total_stride
from featherlight.timing import Measurement, Target, this_machine

TARGET = Target("torch", "1", 1, "f32", 1, this_machine())


def took(median: float, p90: float | None = None) -> Measurement:
    return Measurement(TARGET, median, 0.9 * median, median if p90 is None else p90, 9, False)


@pytest.mark.parametrize(
    ("p90s", "said"),
    [((0.9, 1.0), "fits"), ((0.9, 1.1), "undecided"), ((1.1, 1.2), "too slow"), ((1.0,), "fits")],
)
def test_the_budget_is_kept_by_the_90th_percentile_each_time(p90s: Sequence[float], said: str) -> None:
    assert verdict([took(0.8, p90) for p90 in p90s], budget=1.0) == said


def test_a_time_near_the_budget_is_measured_again() -> None:
    assert is_near(took(0.9), 1.0)
    assert is_near(took(0.5, p90=0.95), 1.0)
    assert is_near(took(1.2), 1.0)
    assert not is_near(took(0.5), 1.0)
    assert not is_near(took(2.0), 1.0)


WIDTHS = st.lists(st.floats(0.1, 3.0), min_size=1, max_size=9, unique=True).map(sorted)


@given(widths=WIDTHS, budget=st.floats(0.001, 100.0), power=st.floats(0.3, 2.5), factor=st.floats(0.1, 10))
def test_probing_finds_the_widest_that_keeps_the_budget(
    widths: list[float], budget: float, power: float, factor: float
) -> None:
    def seconds(candidate: Candidate) -> float:
        return float(factor * candidate.width**power)

    every = tuple(Candidate("mobilenet_v2", width, 28) for width in widths)
    timed = list(probe(every, budget, lambda candidate: took(seconds(candidate))))
    assert len({candidate for candidate, _ in timed}) == len(timed) <= len(every)
    within = [candidate for candidate in every if seconds(candidate) <= budget]
    if within:
        assert within[-1] in dict(timed)
    else:
        assert every[0] in dict(timed)


def test_probing_takes_two_measurements_where_times_go_as_expected() -> None:
    every = tuple(Candidate("mobilenet_v2", width, 28) for width in (0.25, 0.35, 0.5, 0.75, 1.0, 1.4, 2.0))
    timed = [c.width for c, _ in probe(every, 0.3, lambda candidate: took(candidate.width**1.5))]
    assert timed[0] == 0.75
    assert 0.35 in timed
    assert len(timed) <= 3


def test_candidates_are_light_weight_networks_at_their_widths() -> None:
    networks = candidates(28)
    assert {
        "squeezenet",
        "mobilenet_v1",
        "mobilenet_v2",
        "mobilenet_v3",
        "mnasnet",
        "shufflenet_v1",
        "shufflenet_v2",
    } == {entry(name).family for name in networks}
    for name, widths in networks.items():
        assert not entry(name).baseline
        assert [candidate.width for candidate in widths] == sorted(entry(name).widths)
        assert total_stride(widths[0].spec) == 8
    assert total_stride(candidates(96)["mobilenet_v2"][0].spec) == 32


def test_more_is_expected_of_a_better_a_wider_and_a_longer_trained_network() -> None:
    better, worse = Candidate("mobilenet_v2", 1.0, 28), Candidate("squeezenet_1_1", 1.0, 28)
    thinner = Candidate("mobilenet_v2", 0.5, 28)
    assert expected_error(better, 1e5) < expected_error(worse, 1e5)
    assert expected_error(better, 1e5) < expected_error(thinner, 1e5)
    assert expected_error(better, 1e5) < expected_error(better, 1e4)
    assert expected_error(worse, 1e6) < expected_error(better, 1e4)
