"""What the trials of a study are to its search: networks that were refused, tried, lost with their worker, finished.

Nothing is written down twice: all of it follows from the trials in their order, which all workers see alike. A network
is known by the digest of its Spec, and a trial of it is an attempt. An attempt counts from its first moment, unless its
worker is lost; a network all of whose attempts are lost is tried again by whoever comes first. Two who come at once
both write an attempt, and the one with the higher number yields.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from optuna.trial import FrozenTrial, TrialState

OWNER, BEAT = "owner", "beat"  # who has a trial, and a number that goes up while it is at work
SPEC, SECONDS, ACCURACY = "spec", "seconds", "accuracy"
REFUSED, FAILED, LOST = "refused", "failed", "lost"  # why
DIED, GIVEN_BACK = "its worker died", "its worker was stopped"

RETRIES = 3  # of a network whose workers die, before it is said to kill them


class Place(Enum):
    """What a trial is to the search."""

    REFUSED = "never trained"
    RUNNING = "under way"
    LOST = "cut short"
    FINISHED = "judged, stopped early or failed"


def place(trial: FrozenTrial) -> Place:
    """What a trial is to the search."""
    attributes = trial.user_attrs
    if REFUSED in attributes and trial.state.is_finished():
        return Place.REFUSED
    if not trial.state.is_finished():
        return Place.RUNNING
    # A worker that was only thought dead may have said why its network failed before the trial was taken from it.
    if trial.state == TrialState.FAIL and LOST in attributes and FAILED not in attributes:
        return Place.LOST
    return Place.FINISHED


def attempts(trials: Sequence[FrozenTrial]) -> dict[str, list[FrozenTrial]]:
    """The trials of each network that was not refused, by its digest, in the order of their first ones."""
    found: dict[str, list[FrozenTrial]] = {}
    for trial in trials:
        if place(trial) is not Place.REFUSED:
            found.setdefault(trial.user_attrs[SPEC], []).append(trial)
    return found


def to_try_again(trials: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """The last attempt at a network of which all are lost, and not too many with their worker; None without one."""
    for same in attempts(trials).values():
        if all(place(trial) is Place.LOST for trial in same) and _deaths(same) <= RETRIES:
            return same[-1]
    return None


def yields(trial: FrozenTrial, trials: Sequence[FrozenTrial]) -> bool:
    """Whether a trial has to leave its network to one that was written before."""
    same = attempts(trials).get(trial.user_attrs[SPEC], [])
    return any(other.number < trial.number and place(other) is not Place.LOST for other in same)


def finished(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """One trial for each network that is done with, in the order in which the networks were first tried."""
    done = []
    for same in attempts(trials).values():
        if ends := [trial for trial in same if place(trial) is Place.FINISHED]:
            done.append(ends[0])
        elif all(place(trial) is Place.LOST for trial in same) and _deaths(same) > RETRIES:
            done.append(same[-1])
    return done


def running(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials under way."""
    return [trial for trial in trials if place(trial) is Place.RUNNING]


def draws(trials: Sequence[FrozenTrial]) -> int:
    """How often a sampler was asked: the same after a trial was lost and tried again as without."""
    return len(attempts(trials)) + sum(place(trial) is Place.REFUSED for trial in trials)


def _deaths(same: Sequence[FrozenTrial]) -> int:
    return sum(trial.user_attrs.get(LOST) == DIED for trial in same)
