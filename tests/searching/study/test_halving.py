"""Which networks go on after a rung."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState, create_trial

from featherlight.searching.study.attempts import DIED, LOST
from featherlight.searching.study.halving import FACTOR, at_rung, best_first, goes_on

VALUES = st.lists(st.floats(0, 1), max_size=30)


@given(VALUES, st.floats(0, 1))
def test_who_goes_on_is_the_best_or_in_the_best_third(others: list[float], value: float) -> None:
    rank = sum(other > value for other in others)
    assert goes_on(value, others) == (rank == 0 or rank < (len(others) + 1) // FACTOR)
    assert goes_on(1.0, others)


def test_in_the_long_run_a_third_goes_on() -> None:
    values = np.random.default_rng(0).random(900).tolist()
    on = sum(goes_on(value, values[:at]) for at, value in enumerate(values))
    assert 0.25 < on / len(values) < 0.42


def test_lost_trials_and_others_rungs_do_not_count() -> None:
    known = [
        create_trial(state=TrialState.PRUNED, value=0.1, intermediate_values={100: 0.1}),
        create_trial(state=TrialState.FAIL, intermediate_values={100: 0.2}, user_attrs={LOST: DIED}),
        create_trial(state=TrialState.RUNNING, intermediate_values={100: 0.3, 300: 0.4}),
        create_trial(state=TrialState.RUNNING, intermediate_values={100: 0.5}),
    ]
    for number, trial in enumerate(known):
        trial.number = number
    assert at_rung(known, 100, but=3) == [0.1, 0.3]
    assert at_rung(known, 300, but=3) == [0.4]


def test_what_was_first_and_had_none_to_be_better_than_is_not_best() -> None:
    early = create_trial(state=TrialState.COMPLETE, value=0.5, intermediate_values={100: 0.1, 300: 0.3})
    stopped = [create_trial(state=TrialState.PRUNED, intermediate_values={100: 0.2 + at / 100}) for at in range(6)]
    best = create_trial(state=TrialState.COMPLETE, value=0.6, intermediate_values={100: 0.4, 300: 0.5})
    second = create_trial(state=TrialState.PRUNED, intermediate_values={100: 0.5, 300: 0.4})
    lost = create_trial(state=TrialState.FAIL, intermediate_values={100: 0.9}, user_attrs={LOST: DIED})
    assert best_first([early, *stopped, lost, second, best]) == [best, second, *reversed(stopped), early]
