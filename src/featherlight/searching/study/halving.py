"""Successive halving: after each rung of its training only the better third of the networks goes on."""

from __future__ import annotations

from collections.abc import Sequence

from optuna.trial import FrozenTrial

from featherlight.searching.study.attempts import Place, place

FACTOR = 3


def goes_on(value: float, others: Sequence[float]) -> bool:
    """Whether a network with this value at a rung is among the best third of those that came so far, or the best.

    Asynchronous successive halving (Li et al. 2020, algorithm 2), decided at once: no worker waits for others.
    """
    better = sum(other > value for other in others)
    return better < max(1, (len(others) + 1) // FACTOR)


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
