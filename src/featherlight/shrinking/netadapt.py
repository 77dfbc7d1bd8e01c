"""NetAdapt: a network made faster cut by cut, each time the cut that costs the least accuracy for the time it gains.

Yang et al. 2018, algorithm 1, with the choice of Howard et al. 2019 (MobileNet v3), section 4.2, beside the original's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from featherlight.errors import BadInput
from featherlight.shrinking.carve import Weights, carve
from featherlight.shrinking.proposals import Clock, Proposal, least, proposals
from featherlight.shrinking.widths import widths
from featherlight.spec import Spec

Choice: TypeAlias = Literal["ratio", "accuracy"]
"""By accuracy lost for the time gained (MobileNet v3), or by accuracy alone (NetAdapt)."""

# Proposals in an iteration, and half of them at most: those that are best before any training. The others cannot win,
# or hardly.
TRAINED = 3

# Where less than this share of the widths can gain what an iteration should, it gains less: a half, a quarter, ... A
# single proposal would be kept whatever it costs.
ENOUGH, HALVINGS = 0.25, 5

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

    def glimpse(self, key: str, spec: Spec, weights: Weights) -> float:
        """The validation accuracy as it is, of few images."""

    def tune(self, key: str, spec: Spec, weights: Weights) -> tuple[Weights, float]:
        """The weights after a short fine-tune, and their validation accuracy."""

    def ratio(self, key: str, spec: Spec) -> float:
        """How many times as long the network takes as the one at the start, measured; or as the clock tells."""


@dataclass(frozen=True)
class Step:
    """One iteration, as it is told.

    glimpsed  all its proposals with their accuracies before any training, best first
    tried     those that were trained, with their accuracies after it, and `kept` the best of them
    left      how many iterations are still to come, about
    """

    number: int
    goal: float
    glimpsed: tuple[tuple[Proposal, float], ...]
    tried: tuple[tuple[Proposal, float], ...]
    kept: Proposal
    seconds: float
    accuracy: float
    left: int


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

    `step` is what the first iteration should gain, in seconds, and `decay` what each later one's is multiplied by (the
    paper's R and its decay). The clock is set by each network that is kept and timed. `ends` are classes and image
    channels. Raises BadInput, before anything is trained, where no cuts reach so little, with the least time that they
    do.
    """
    number, start = 0, state
    nearest = _scaled(clock, state)(least(state.spec, *ends))
    if nearest > target:
        raise BadInput(
            f"no network of this kind takes {target * 1e3:.4g} ms or less: the nearest takes {nearest * 1e3:.4g} ms; "
            "ask for no less than that, or begin with a faster network"
        )
    while state.seconds > target:
        number += 1
        goal = max(target, state.seconds - step * decay ** (number - 1))
        found = _found(state, _scaled(clock, state), goal, ends)
        carved = {proposal: carve(state.weights, state.spec, proposal.spec) for proposal in found}
        now = bench.glimpse(f"{number}", state.spec, state.weights)
        seen = {each: bench.glimpse(f"{number}-{each.width}", each.spec, carved[each]) for each in found}
        ranked = _best(seen, now, state.seconds, choice)
        tried = ranked[: min(TRAINED, -(-len(ranked) // 2))]
        tuned = {each: bench.tune(f"{number}-{each.width}", each.spec, carved[each]) for each in tried}
        trained = {each: accuracy for each, (_, accuracy) in tuned.items()}
        kept = _best(trained, state.accuracy, state.seconds, choice)[0]
        weights, accuracy = tuned[kept]
        seconds = start.seconds * bench.ratio(str(number), kept.spec)
        state = State(kept.spec, weights, seconds, accuracy)
        left = iterations(seconds - target, step * decay**number, decay)
        told(Step(number, goal, _pairs(ranked, seen), _pairs(tried, trained), kept, seconds, accuracy, left))
    return state


def iterations(gain: float, step: float, decay: float) -> int:
    """How many iterations gain so many seconds, the first of them `step`; a step that decays too soon goes on alike."""
    count = 0
    while gain > 0.01 * step and count < 1000:
        count, gain = count + 1, gain - step * decay**count
    return count


def _found(state: State, clock: Clock, goal: float, ends: tuple[int, int]) -> tuple[Proposal, ...]:
    """Proposals that reach the goal; one that is nearer, where hardly any do."""
    found: tuple[Proposal, ...] = ()
    for halving in range(HALVINGS + 1):
        more = proposals(state.spec, clock, state.seconds - (state.seconds - goal) / 2**halving, *ends)
        found = more if len(more) > len(found) else found
        if len(found) >= ENOUGH * len(widths(state.spec)):
            return found
    if not found:
        raise BadInput(
            f"no single cut makes the network any faster: {state.seconds * 1e3:.4g} ms is the least that was reached; "
            "allow more"
        )
    return found


def _best(accuracies: Mapping[Proposal, float], before: float, seconds: float, choice: Choice) -> list[Proposal]:
    """Best first: proposals with these accuracies, for a network that has `before` in so many seconds."""

    def merit(proposal: Proposal) -> float:
        if choice == "accuracy":
            return accuracies[proposal]
        return (accuracies[proposal] - before) / max(seconds - proposal.seconds, LEAST_GAIN)

    return sorted(accuracies, key=merit, reverse=True)


def _pairs(some: Sequence[Proposal], accuracies: Mapping[Proposal, float]) -> tuple[tuple[Proposal, float], ...]:
    return tuple((each, accuracies[each]) for each in some)


def _scaled(clock: Clock, state: State) -> Clock:
    """The clock, set so that it tells of the network at hand what was measured."""
    scale = state.seconds / clock(state.spec)
    return lambda spec: scale * clock(spec)
