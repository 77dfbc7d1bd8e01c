"""NetAdapt: a network made faster cut by cut, each time the cut that costs the least accuracy for the time it gains.

Yang et al. 2018, algorithm 1, with the choice of Howard et al. 2019 (MobileNet v3), section 4.2, beside the original's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from featherlight.errors import BadInput
from featherlight.shrinking.carve import Weights, carve
from featherlight.shrinking.proposals import Clock, Proposal, proposals
from featherlight.spec import Spec

Choice: TypeAlias = Literal["ratio", "accuracy"]
"""By accuracy lost for the time gained (MobileNet v3), or by accuracy alone (NetAdapt)."""

KEPT = 0.5  # of the proposals, by their accuracy before any training: the others cannot win, or hardly

LEAST_GAIN = 1e-9  # seconds


@dataclass(frozen=True)
class State:
    """A network on its way: its Spec, weights, seconds for an image, and accuracy on the validation images."""

    spec: Spec
    weights: Weights
    seconds: float
    accuracy: float


class Bench(Protocol):
    """What the loop asks for: training and judging are journaled there, so that a loop begun again repeats nothing."""

    def glimpse(self, spec: Spec, weights: Weights) -> float:
        """The validation accuracy as it is."""

    def tune(self, key: str, spec: Spec, weights: Weights) -> tuple[Weights, float]:
        """The weights after a short fine-tune, and their validation accuracy."""

    def ratio(self, key: str, spec: Spec, first: Spec) -> float:
        """How many times as long the network takes as the `first` one, measured; or as the clock tells."""


@dataclass(frozen=True)
class Step:
    """One iteration, as it is told: its proposals with their accuracies, and the one that was kept."""

    number: int
    goal: float
    tried: tuple[tuple[Proposal, float], ...]
    kept: Proposal
    seconds: float
    accuracy: float


def netadapt(
    state: State,
    clock: Clock,
    target: float,
    bench: Bench,
    *,
    step: float,
    decay: float = 0.98,
    choice: Choice = "ratio",
    ends: tuple[int, int],
    told: Callable[[Step], None] = lambda step: None,
) -> State:
    """Cut until the network takes `target` seconds or less.

    `step` is what the first iteration must gain, in seconds, and `decay` what each later one's is multiplied by (the
    paper's R and its decay). The clock is set by each network that is kept and timed. `ends` are classes and image
    channels. Raises BadInput where no cut is left, with the time that was reached.
    """
    number, start = 0, state
    while state.seconds > target:
        number += 1
        goal = max(target, state.seconds - step * decay ** (number - 1))
        found = proposals(state.spec, _scaled(clock, state), goal, *ends)
        if not found:
            raise BadInput(
                f"no single cut brings the network below {goal * 1e3:.4g} ms: {state.seconds * 1e3:.4g} ms is the "
                "least that it reaches; allow more"
            )
        carved = {proposal: carve(state.weights, state.spec, proposal.spec) for proposal in found}
        ranked = _best(found, {each: bench.glimpse(each.spec, carved[each]) for each in found}, state, choice)
        tried = ranked[: max(1, round(KEPT * len(ranked)))]
        tuned = {each: bench.tune(f"{number}-{each.width}", each.spec, carved[each]) for each in tried}
        kept = _best(tried, {each: accuracy for each, (_, accuracy) in tuned.items()}, state, choice)[0]
        weights, accuracy = tuned[kept]
        seconds = start.seconds * bench.ratio(str(number), kept.spec, start.spec)
        told(Step(number, goal, tuple((each, tuned[each][1]) for each in tried), kept, seconds, accuracy))
        state = State(kept.spec, weights, seconds, accuracy)
    return state


def _best(some: Sequence[Proposal], accuracies: dict[Proposal, float], state: State, choice: Choice) -> list[Proposal]:
    """Best first."""

    def merit(proposal: Proposal) -> float:
        if choice == "accuracy":
            return accuracies[proposal]
        return (accuracies[proposal] - state.accuracy) / max(state.seconds - proposal.seconds, LEAST_GAIN)

    return sorted(some, key=merit, reverse=True)


def _scaled(clock: Clock, state: State) -> Clock:
    """The clock, set so that it tells of the network at hand what was measured."""
    scale = state.seconds / clock(state.spec)
    return lambda spec: scale * clock(spec)
