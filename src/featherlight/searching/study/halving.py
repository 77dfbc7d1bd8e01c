"""Successive halving: after each rung only the better third of the networks is trained three times as long."""

from __future__ import annotations

from collections.abc import Sequence

from optuna.trial import FrozenTrial, TrialState

from featherlight.searching.study.attempts import Place, place

FACTOR = 3


def goes_on(value: float, others: Sequence[float]) -> bool:
    """Whether a network with this value at a rung is among the best third of those that came so far, or the best.

    Asynchronous successive halving (Li et al. 2020, algorithm 2), decided at once: no worker waits for others.
    """
    better = sum(other > value for other in others)
    return better < max(1, (len(others) + 1) // FACTOR)


def best_first(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials with a value, by the last rung whose value counts, and by their value there.

    It counts if the network would still go on from all rungs before: those that came early had few to be better than.
    """
    by_rung: dict[int, list[float]] = {}
    known = [trial for trial in trials if trial.intermediate_values and place(trial) is not Place.LOST]
    for trial in known:
        for rung, value in enumerate(_values(trial)):
            by_rung.setdefault(rung, []).append(value)

    def standing(trial: FrozenTrial) -> tuple[int, float]:
        values = _values(trial)
        for rung, value in enumerate(values[:-1]):
            if sum(other > value for other in by_rung[rung]) >= max(1, len(by_rung[rung]) // FACTOR):
                return rung, value
        return len(values) - 1, values[-1]

    return sorted(known, key=standing, reverse=True)


def at_rung(trials: Sequence[FrozenTrial], images: int, but: int) -> list[float]:
    """What the networks had reached after so many images, all but the trial with the number `but`.

    Optuna's own pruner would count a lost trial beside the one that tries its network again, and a search that was
    interrupted would not be the same.
    """
    return [
        trial.intermediate_values[images]
        for trial in trials
        if trial.number != but and images in trial.intermediate_values and place(trial) is not Place.LOST
    ]


def _values(trial: FrozenTrial) -> list[float]:
    """At the rungs that it reached, and at its end."""
    reached = [value for _, value in sorted(trial.intermediate_values.items())]
    return [*reached, trial.value] if trial.state is TrialState.COMPLETE and trial.value is not None else reached
