"""What trials are to a search, whatever order workers wrote and died in."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import FrozenTrial, TrialState, create_trial

from featherlight.searching.study.attempts import (
    DIED,
    FAILED,
    GIVEN_BACK,
    LOST,
    REFUSED,
    RETRIES,
    SPEC,
    Place,
    attempts,
    draws,
    finished,
    place,
    running,
    to_try_again,
    yields,
)

ENDS = {
    "running": (TrialState.RUNNING, {}),
    "told lost": (TrialState.RUNNING, {LOST: DIED}),  # whoever watched died between the two writes
    "complete": (TrialState.COMPLETE, {}),
    "late": (TrialState.COMPLETE, {LOST: DIED}),  # the worker was only thought dead, and was the first to finish
    "pruned": (TrialState.PRUNED, {}),
    "failed": (TrialState.FAIL, {FAILED: "crashed"}),
    "failed late": (TrialState.FAIL, {FAILED: "crashed", LOST: DIED}),
    "died": (TrialState.FAIL, {LOST: DIED}),
    "given back": (TrialState.FAIL, {LOST: GIVEN_BACK}),
    "refused": (TrialState.FAIL, {REFUSED: "another worker has it"}),
}


def trials(written: Sequence[tuple[str, str]]) -> list[FrozenTrial]:
    """Trials of networks (by a letter) that ended so."""
    made = []
    for number, (network, end) in enumerate(written):
        state, about = ENDS[end]
        value = 0.5 if state is TrialState.COMPLETE else None
        made.append(create_trial(state=state, value=value, user_attrs={SPEC: network, **about}))
        made[-1].number = number
    return made


WRITTEN = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(sorted(ENDS))), max_size=30).map(trials)


@given(WRITTEN)
def test_each_network_is_done_with_or_under_way_or_to_be_tried_again(written: list[FrozenTrial]) -> None:
    done = {trial.user_attrs[SPEC] for trial in finished(written)}
    assert len(done) == len(finished(written))
    busy = {trial.user_attrs[SPEC] for trial in running(written)}
    again = to_try_again(written)
    for network, same in attempts(written).items():
        if again is None:
            assert network in done | busy
        if network not in done | busy:
            assert all(place(trial) is Place.LOST for trial in same)
    if again is not None:
        assert again.user_attrs[SPEC] not in done | busy


@given(WRITTEN)
def test_of_attempts_at_a_network_the_first_one_that_is_not_lost_stays(written: list[FrozenTrial]) -> None:
    for same in attempts(written).values():
        staying = [trial for trial in same if place(trial) is not Place.LOST and not yields(trial, written)]
        assert len(staying) <= 1
        assert staying or all(place(trial) is Place.LOST for trial in same)


@given(WRITTEN, st.integers(0, RETRIES))
def test_trying_again_draws_nothing(written: list[FrozenTrial], times: int) -> None:
    ended = trials([*((t.user_attrs[SPEC], "complete") for t in written), ("new", "complete")])
    lost = trials(
        [*((t.user_attrs[SPEC], "complete") for t in written), *[("new", "died")] * times, ("new", "complete")]
    )
    assert draws(lost) == draws(ended)
    assert len(finished(lost)) == len(finished(ended))


def test_a_network_is_given_up_after_some_deaths_and_never_for_being_given_back() -> None:
    stopped = trials([("a", "given back")] * 10 + [("a", "died")] * RETRIES)
    assert to_try_again(stopped) is stopped[-1]
    assert not finished(stopped)
    deadly = trials([("a", "died")] * (RETRIES + 1))
    assert to_try_again(deadly) is None
    assert finished(deadly) == deadly[-1:]
