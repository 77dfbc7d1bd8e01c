"""Workers in one process: the same search again, and what goes wrong with a network, a worker or a disk."""

from __future__ import annotations

import errno
import itertools
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState

from featherlight.errors import BadInput, DiskFull
from featherlight.searching import Found
from featherlight.searching.drawing import networks_within
from featherlight.searching.space import Genes
from featherlight.searching.study import (
    Judge,
    Study,
    choosing,
    close_study,
    create_study,
    found,
    join_study,
    sampling,
    work,
)
from featherlight.searching.study import attempts as tried
from featherlight.searching.study.attempts import FAILED, GIVEN_BACK, LOST, SPEC, Place, finished, place
from featherlight.searching.study.beats import Watch
from featherlight.searching.study.judge import Reached, digest_of
from featherlight.searching.study.search import Sampler
from featherlight.spec import Spec
from small_search import BUDGET, SPACE, accuracy_of, clock, judge, search, table

Outcomes = list[tuple[str, TrialState, float | None]]


def begun(folder: Path, sampler: Sampler = "evolution", name: str = "study.journal") -> Study:
    return create_study(str(folder / name), search(sampler=sampler), table(folder))


def outcomes(study: Study) -> Outcomes:
    return [(trial.user_attrs[SPEC], trial.state, trial.value) for trial in finished(study.trials)]


def without_time(all_found: tuple[Found, ...]) -> list[tuple[object, ...]]:
    return [(each.genes, each.accuracy, each.seconds) for each in all_found]


def every(number: int, do: Callable[[], None], *, first: bool = True) -> Judge:
    """A judge to which something happens at every so many networks: at first, or when all is done but telling."""
    counter = itertools.count(1)

    def judged(spec: Spec, reached: Reached) -> float:
        now = next(counter) % number == 0
        if now and first:
            do()
        accuracy = judge(spec, reached)
        if now:
            do()
        return accuracy

    return judged


def stop() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("sampler", ["evolution", "tpe", "random"])
def test_the_same_seed_is_the_same_search_also_when_interrupted(tmp_path: Path, sampler: Sampler) -> None:
    whole = begun(tmp_path, sampler)
    work(whole, search(sampler=sampler), trials=18, judge=judge)
    parts = begun(tmp_path, sampler, "parts.journal")
    stopped = 0
    for turn in range(100):
        try:
            stopping = every(1 if turn % 2 else 3, stop, first=not turn % 2)
            work(begun(tmp_path, sampler, "parts.journal"), search(sampler=sampler), trials=18, judge=stopping)
            break
        except KeyboardInterrupt:
            stopped += 1
    assert stopped > 2
    assert outcomes(parts) == outcomes(whole)
    assert without_time(found(parts, SPACE)) == without_time(found(whole, SPACE))
    other = create_study(str(tmp_path / "other.journal"), search(sampler=sampler, seed=2), table(tmp_path))
    work(other, search(sampler=sampler, seed=2), trials=18, judge=judge)
    assert outcomes(other) != outcomes(whole)


@settings(max_examples=12)
@given(st.sampled_from(("evolution", "tpe", "random")), st.sampled_from((None, -0.07)), st.integers(0, 1 << 20))
def test_what_is_found_keeps_the_budget_and_is_judged_once(
    tmp_path_factory: pytest.TempPathFactory, sampler: Sampler, exponent: float | None, seed: int
) -> None:
    folder, seen = tmp_path_factory.mktemp("study"), list[str]()

    def once(spec: Spec, reached: Reached) -> float:
        seen.append(digest_of(spec))
        return judge(spec, reached)

    asked = search(sampler=sampler, exponent=exponent, seed=seed)
    study = create_study(str(folder / "study.journal"), asked, table(folder))
    work(study, asked, trials=15, judge=once)
    assert len(seen) == len(set(seen)) == 15
    assert [trial.user_attrs[SPEC] for trial in finished(study.trials)] == seen
    judged = found(study, SPACE)
    assert judged
    for each in judged:
        spec = SPACE.spec(each.genes)
        assert spec is not None
        assert (each.accuracy, each.seconds) == (accuracy_of(spec), clock(spec))
        assert each.seconds <= BUDGET
        assert each.at >= 0
    best = max(judged, key=lambda each: asked.merit(each.accuracy, each.seconds))
    assert study.optuna.best_value == asked.merit(best.accuracy, best.seconds)


@pytest.mark.parametrize("accuracy", [None, math.nan, math.inf])
def test_a_network_that_crashes_is_noted_and_the_search_goes_on(tmp_path: Path, accuracy: float | None) -> None:
    study, counter, said = begun(tmp_path), itertools.count(), list[str]()

    def crashing(spec: Spec, reached: Reached) -> float:
        if next(counter) % 2 == 0:
            return judge(spec, reached)
        if accuracy is None:
            raise ZeroDivisionError("no such luck")
        return accuracy

    work(study, search(), trials=10, judge=crashing, say=said.append)
    failed = [trial.user_attrs[FAILED] for trial in study.trials if FAILED in trial.user_attrs]
    assert failed == ["ZeroDivisionError: no such luck" if accuracy is None else f"its accuracy is {accuracy}"] * 5
    assert len(finished(study.trials)) == 10
    assert len(found(study, SPACE)) <= 5
    assert sum("no such luck" in each or "its accuracy is" in each for each in said) == 5


def test_a_full_disk_ends_the_worker_and_gives_the_network_back(tmp_path: Path) -> None:
    study = begun(tmp_path)

    def full() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(DiskFull, match="the disk is full"):
        work(study, search(), trials=5, judge=every(3, full))
    [lost] = [trial for trial in study.trials if place(trial) is Place.LOST]
    assert lost.user_attrs[LOST] == GIVEN_BACK
    work(study, search(), trials=5, judge=judge)
    assert lost.user_attrs[SPEC] in [network for network, _, _ in outcomes(study)]


def test_a_worker_that_was_thought_dead_comes_too_late(tmp_path: Path) -> None:
    study, said = begun(tmp_path), list[str]()
    watch = Watch(silence=-1)  # everyone seems dead at once

    def overtaken(spec: Spec, reached: Reached) -> float:
        [mine] = tried.running(study.trials)
        work(join_study(study.url), search(), trials=1, judge=judge, stream=1, watch=watch)
        assert place(study.trials[mine.number]) is Place.LOST
        return judge(spec, lambda images, accuracy: None)

    work(study, search(), trials=1, judge=overtaken, say=said.append)
    [done] = finished(study.trials)
    assert [trial.user_attrs[SPEC] for trial in study.trials if SPEC in trial.user_attrs] == [done.user_attrs[SPEC]] * 2
    assert [trial.state for trial in study.trials].count(TrialState.COMPLETE) == 1
    assert any("too late" in each for each in said)


def test_two_watchers_try_a_lost_network_again_once(tmp_path: Path) -> None:
    study = begun(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        work(study, search(), trials=1, judge=every(1, stop))
    seen = list[str]()

    def judged(spec: Spec, reached: Reached) -> float:
        seen.append(digest_of(spec))
        if len(seen) == 1:  # while the first is at it, a second one looks for work
            work(join_study(study.url), search(), judge=judged, stream=1)
        else:
            close_study(study)
        return judge(spec, reached)

    work(study, search(), judge=judged)
    [lost] = [trial for trial in study.trials if place(trial) is Place.LOST]
    assert seen[0] == lost.user_attrs[SPEC]
    assert len(seen) == len(set(seen)) == len(finished(study.trials)) == 2


@pytest.mark.parametrize("sampler", ["evolution", "tpe", "random"])
def test_a_budget_that_no_network_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sampler: Sampler) -> None:
    monkeypatch.setattr(choosing, "MISSES", 50)
    asked = search(budget=20e-3, sampler=sampler)
    study = create_study(str(tmp_path / "study.journal"), asked, table(tmp_path))
    with pytest.raises(
        BadInput, match=r"of the space small .*keeps 20 ms: the nearest takes|of 50 drawn .* keeps 20 ms: the nearest"
    ):
        work(study, asked, trials=3, judge=judge)


@pytest.mark.parametrize("sampler", ["evolution", "random"])
def test_a_space_that_is_used_up_ends_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sampler: Sampler
) -> None:
    monkeypatch.setattr(choosing, "MISSES", 50)
    asked = search(budget=32e-3, sampler=sampler)  # which few networks keep
    study = create_study(str(tmp_path / "study.journal"), asked, table(tmp_path))
    work(study, asked, trials=1000, judge=judge)
    assert 0 < len(finished(study.trials)) < 30


@pytest.mark.parametrize("sampler", ["evolution", "random"])
def test_a_draw_that_finds_no_network_ends_no_search_that_has_found_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sampler: Sampler
) -> None:
    calls = itertools.count()

    def rarely(*given: Any) -> tuple[Genes, ...]:
        if next(calls) % 3:
            raise BadInput("none was found")
        return networks_within(*given)

    monkeypatch.setattr(sampling, "networks_within", rarely)
    study = begun(tmp_path, sampler)
    work(study, search(sampler=sampler), trials=12, judge=judge)
    assert len(finished(study.trials)) == 12
    assert next(calls) > 12


def test_a_closed_search_ends_its_workers(tmp_path: Path) -> None:
    study = begun(tmp_path)
    work(study, search(), judge=every(4, lambda: close_study(study)))
    before = len(study.trials)
    assert len(finished(study.trials)) == 4
    work(join_study(study.url), search(), judge=judge)
    assert len(study.trials) == before
    again = begun(tmp_path)  # which opens it
    work(again, search(), seconds=0.0, judge=judge)
    assert len(again.trials) == before
    work(again, search(), trials=5, judge=judge)
    assert len(finished(again.trials)) == 5
