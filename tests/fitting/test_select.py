from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.fitting.candidates import Candidate, candidates, sizes
from featherlight.fitting.select import Verdict, estimated_time, is_near, may_keep, probe, verdict
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


@given(widths=WIDTHS, budget=st.floats(0.001, 100.0), limit=st.floats(0.05, 3.0))
def test_probing_minds_another_limit(widths: list[float], budget: float, limit: float) -> None:
    every = tuple(Candidate("mobilenet_v2", width, 28) for width in widths)
    asked: list[Candidate] = []

    def time(candidate: Candidate) -> Measurement | None:
        asked.append(candidate)
        return None if candidate.width > limit else took(candidate.width)

    timed = dict(probe(every, budget, time))
    assert len(set(asked)) == len(asked)
    assert all(candidate.width <= limit for candidate in timed)
    within = [candidate for candidate in every if candidate.width <= min(budget, limit)]
    assert not within or within[-1] in timed


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


def test_what_breaks_a_limit_rules_out_all_that_is_larger() -> None:
    verdicts: dict[Candidate, Verdict] = {at(0.5, 160): "too much memory"}
    assert may_keep(at(0.35, 160), 2.0, {at(0.35, 96): 1e-3}, verdicts)
    assert not may_keep(at(0.75, 224), 2.0, {at(0.35, 96): 1e-3}, verdicts)
