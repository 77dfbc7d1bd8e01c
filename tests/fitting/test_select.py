from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.fitting.candidates import Candidate, candidates, sizes
from featherlight.fitting.select import Verdict, estimated_time, is_near, may_keep, verdict
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


def test_photographs_come_in_five_sizes_grey_images_in_one() -> None:
    assert sorted(sizes(3, None)) == [96, 128, 160, 192, 224]
    assert sizes(1, None) == (28,)
    assert sizes(3, 64) == sizes(1, 64) == (64,)


def test_no_two_candidates_share_a_name() -> None:
    every = [c for size in sizes(3, None) for widths in candidates(size).values() for c in widths]
    assert len({candidate.name for candidate in every}) == len(every)


def at(width: float, size: int, name: str = "mobilenet_v2") -> Candidate:
    return Candidate(name, width, size)


@given(width=st.floats(0.25, 2), size=st.sampled_from([96, 128, 192]), factor=st.floats(0.001, 1))
def test_a_time_is_estimated_from_the_nearest_that_is_known(width: float, size: int, factor: float) -> None:
    def seconds(candidate: Candidate) -> float:
        return float(factor * candidate.width**1.5 * candidate.size**2)

    known = {candidate: seconds(candidate) for candidate in (at(0.5, 160), at(1.0, 160), at(1.0, 160, "mnasnet_a1"))}
    assert estimated_time(at(width, size), known) == pytest.approx(seconds(at(width, size)))
    assert estimated_time(at(width, size, "squeezenet_1_1"), known) == float("inf")


def test_what_should_keep_the_budget_is_worth_a_measurement() -> None:
    times = {at(0.5, 160): 1.0, at(1.0, 160): 2.7}
    verdicts: dict[Candidate, Verdict] = {at(0.5, 160): "fits", at(1.0, 160): "too slow"}
    assert may_keep(at(0.35, 160), 1.2, times, verdicts)
    assert may_keep(at(0.75, 96), 1.2, times, verdicts)
    assert not may_keep(at(0.5, 192), 1.2, times, verdicts)  # 1.44 times the pixels
    assert not may_keep(at(1.0, 192), 99, times, verdicts)  # nothing that costs more than one that failed
    assert may_keep(at(1.0, 192, "mnasnet_a1"), 1.2, times, verdicts)  # a network of which nothing is known


def test_what_breaks_a_limit_rules_out_all_that_is_larger() -> None:
    verdicts: dict[Candidate, Verdict] = {at(0.5, 160): "too much memory"}
    assert may_keep(at(0.35, 160), 2.0, {at(0.35, 96): 1e-3}, verdicts)
    assert not may_keep(at(0.75, 224), 2.0, {at(0.35, 96): 1e-3}, verdicts)
