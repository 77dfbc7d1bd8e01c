"""The loop, with a clock that counts multiply-adds and a bench that knows which channels matter."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from featherlight.cost import count
from featherlight.errors import BadInput
from featherlight.graph import from_spec
from featherlight.layers import Network
from featherlight.shrinking import State, Step, netadapt, proposals, widths
from featherlight.shrinking.carve import Weights
from featherlight.shrinking.netadapt import iterations
from featherlight.spec import Convolution, Head, InvertedResidual, Spec

SPEC = Spec((Convolution(8, 3, 2), InvertedResidual(8, 24), InvertedResidual(8, 16)), Head(hidden=(12,)))
ENDS = (3, 1)


def clock(spec: Spec) -> float:
    return count(from_spec(spec, (1, 1, 16, 16), 3)).multiply_adds * 1e-9


@dataclass
class Counting:
    """Accuracy falls with what goes, and `dear` widths cost a hundred times as much."""

    dear: str
    whole: Spec = SPEC
    asked: list[str] = field(default_factory=list)

    def glimpse(self, key: str, spec: Spec, weights: Weights) -> float:
        Network(spec, *ENDS).load_state_dict(dict(weights))  # they fit
        lost = {w.name: w.channels - n.channels for w, n in zip(widths(self.whole), widths(spec), strict=True)}
        return 1.0 - sum(count * (1e-1 if name == self.dear else 1e-3) for name, count in lost.items())

    def tune(self, key: str, spec: Spec, weights: Weights) -> tuple[Weights, float]:
        self.asked.append(key)
        return weights, self.glimpse(key, spec, weights)

    def ratio(self, key: str, spec: Spec) -> float:
        return clock(spec) / clock(self.whole)


def start() -> State:
    torch.manual_seed(0)
    weights: dict[str, Tensor] = dict(Network(SPEC, *ENDS).state_dict())
    return State(SPEC, weights, clock(SPEC), 1.0)


def test_each_proposal_is_the_least_cut_that_is_fast_enough() -> None:
    goal = 0.9 * clock(SPEC)
    found = proposals(SPEC, clock, goal, *ENDS)
    assert {proposal.width for proposal in found} >= {"rows.0.channels", "rows.1.expanded", "rows.2.expanded"}
    assert "head.hidden.0" not in {proposal.width for proposal in found}  # too small to gain so much
    for proposal in found:
        assert proposal.seconds == clock(proposal.spec) <= goal
        width = next(each for each in widths(SPEC) if each.name == proposal.width)
        assert proposal.channels < width.channels


@pytest.mark.parametrize("choice", ["ratio", "accuracy"])
def test_it_cuts_until_the_time_is_kept_and_spares_what_matters(choice: str) -> None:
    steps: list[Step] = []
    bench = Counting("rows.1.expanded")
    first = start()
    target = 0.6 * first.seconds
    end = netadapt(first, clock, target, bench, step=0.1 * first.seconds, choice=choice, ends=ENDS, told=steps.append)  # type: ignore[arg-type]
    assert end.seconds <= target
    assert clock(end.spec) == pytest.approx(end.seconds)
    Network(end.spec, *ENDS).load_state_dict(dict(end.weights))
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    assert "rows.1.expanded" not in {step.kept.width for step in steps}
    assert [step.seconds for step in steps] == sorted((step.seconds for step in steps), reverse=True)


def test_proposals_that_cannot_win_are_not_trained() -> None:
    bench = Counting("rows.1.expanded")
    first = start()
    netadapt(first, clock, 0.95 * first.seconds, bench, step=0.05 * first.seconds, ends=ENDS)
    assert "1-rows.1.expanded" not in bench.asked
    assert 0 < len(bench.asked) < len(proposals(SPEC, clock, 0.95 * first.seconds, *ENDS))


def test_a_time_that_no_cut_reaches_is_refused_before_any_training_with_the_least_that_is() -> None:
    first, bench = start(), Counting("none")
    with pytest.raises(BadInput, match=r"no network of this kind takes 1e-06 ms or less: the nearest takes .* ms"):
        netadapt(first, clock, 1e-9, bench, step=0.5 * first.seconds, ends=ENDS)
    assert not bench.asked


def test_where_no_width_can_gain_so_much_at_once_smaller_cuts_are_proposed() -> None:
    steps: list[Step] = []
    first = start()
    target = 0.4 * first.seconds
    assert not proposals(SPEC, clock, target, *ENDS)
    netadapt(first, clock, target, Counting("none"), step=first.seconds - target, ends=ENDS, told=steps.append)
    assert len(steps[0].glimpsed) > 1
    assert len(steps) > 1


def test_what_was_left_is_about_what_came() -> None:
    steps: list[Step] = []
    first = start()
    netadapt(
        first, clock, 0.6 * first.seconds, Counting("none"), step=0.05 * first.seconds, ends=ENDS, told=steps.append
    )
    assert steps[-1].left == 0
    assert all(abs(step.left - (len(steps) - step.number)) <= 3 for step in steps)


@pytest.mark.parametrize(
    ("gain", "step", "decay", "count"), [(0.0, 1, 0.98, 0), (1, 1, 0.98, 1), (2, 1, 0.98, 3), (4, 1, 1, 4)]
)
def test_iterations_until_so_much_is_gained(gain: float, step: float, decay: float, count: int) -> None:
    assert iterations(gain, step, decay) == count
