"""Which wider network is shrunk to the budget."""

from __future__ import annotations

import pytest

from featherlight.errors import BadInput
from featherlight.fitting.candidates import Candidate, candidates
from featherlight.fitting.select import Verdict
from featherlight.fitting.time_candidates import Timed
from featherlight.fitting.wider import MOST, wider
from featherlight.timing import Measurement, Target, this_machine

TARGET = Target("openvino", "1", 1, "f32", 1, this_machine())
WIDTHS = [each.width for each in candidates(28)["mobilenet_v2"]]
UNIT = 1e-3  # seconds that one takes at width 1


def network(width: float) -> Candidate:
    return Candidate("mobilenet_v2", width, 28)


def median(candidate: Candidate) -> float:
    return float(UNIT * candidate.width**1.5)


def timed(budget: float, widths: list[float]) -> list[Timed]:
    """All of these widths of two networks, the other one as fast as nothing."""
    found = []
    for width in widths:
        time = median(network(width))
        verdict: Verdict = "fits" if time <= budget else "too slow"
        found.append(Timed(network(width), Measurement(TARGET, time, time, time, 9, False), verdict))
    other = Candidate("mobilenet_v1", 4.0, 28)
    return [*found, Timed(other, Measurement(TARGET, 1e-9, 1e-9, 1e-9, 9, False), "fits")]


@pytest.mark.parametrize("at", range(len(WIDTHS) - 1))
def test_it_is_the_next_width_above_the_budget_whichever_was_chosen(at: int) -> None:
    budget = 1.01 * median(network(WIDTHS[at]))
    for chosen in WIDTHS[: at + 1]:
        assert wider(network(chosen), timed(budget, WIDTHS), budget, median) == network(WIDTHS[at + 1])


def test_one_that_was_never_timed_and_keeps_the_budget_is_passed_over() -> None:
    budget = 1.01 * median(network(WIDTHS[2]))
    assert wider(network(WIDTHS[0]), timed(budget, WIDTHS[:1]), budget, median) == network(WIDTHS[3])


def test_above_the_widest_it_is_widened_to_what_can_be_shrunk() -> None:
    widest = WIDTHS[-1]
    budget = 1.1 * median(network(widest))
    wide = wider(network(widest), timed(budget, WIDTHS), budget, median)
    assert median(wide) == pytest.approx(1.5 * budget, rel=0.02)
    assert wide.spec != network(widest).spec


def test_a_budget_far_above_leaves_nothing_to_shrink() -> None:
    budget = 100 * median(network(WIDTHS[-1]))
    with pytest.raises(BadInput, match=f"mobilenet_v2 {MOST * WIDTHS[-1]:g}x at 28 keeps .* nothing to shrink"):
        wider(network(WIDTHS[0]), timed(budget, WIDTHS), budget, median)
