"""What a worker writes into the study: a trial begun, what came of it, and that one is lost."""

from __future__ import annotations

import contextlib
from typing import Any, NamedTuple

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState, create_trial

from featherlight.searching.space import Genes
from featherlight.searching.study.attempts import LOST
from featherlight.searching.study.sampling import distributions, named
from featherlight.searching.study.search import Search
from featherlight.searching.study.shared import Study


class Outcome(NamedTuple):
    """What came of a network: the state of its trial, a sentence, and what the study keeps of it under which name."""

    state: TrialState
    said: str
    attribute: str = ""
    accuracy: float | None = None
    value: float | None = None


def write(
    study: Study,
    search: Search,
    genes: Genes,
    state: TrialState,
    about: dict[str, Any],
    broken: dict[str, float] | None = None,
) -> int:
    """A trial in one piece, and its id; `broken` says how far a network breaks what."""
    trial = create_trial(
        state=state,
        params=named(search.space, genes),
        distributions=dict(distributions(search.space)),
        user_attrs=about,
        constraints=broken,
    )
    return study.storage.create_new_trial(study.number, trial)


def tell(study: Study, trial_id: int, outcome: Outcome) -> None:
    """End a trial; raises UpdateFinishedTrialError where another one has ended it."""
    if outcome.attribute:
        value = outcome.said if outcome.accuracy is None else outcome.accuracy
        study.storage.set_trial_user_attr(trial_id, outcome.attribute, value)
    values = None if outcome.value is None else [outcome.value]
    study.storage.set_trial_state_values(trial_id, outcome.state, values)


def lose(study: Study, trial_id: int, why: str) -> None:
    """Take a trial from its worker. Only one who does so gets through, and none after the worker has finished it.

    Whoever dies between the two writes leaves it under way, and the next one who looks does both again.
    """
    with contextlib.suppress(UpdateFinishedTrialError):
        study.storage.set_trial_user_attr(trial_id, LOST, why)
        study.storage.set_trial_state_values(trial_id, TrialState.FAIL)


def id_of(study: Study, trial: FrozenTrial) -> int:
    """By which the storage knows a trial."""
    return study.storage.get_trial_id_from_study_id_trial_number(study.number, trial.number)
