"""Few measurements, none twice: with a bench whose times follow a formula."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

import pytest

import brightness
from featherlight.data import open_dataset
from featherlight.engines import ModuleSource, available
from featherlight.errors import BadInput
from featherlight.fitting.bench import Bench
from featherlight.fitting.candidates import Candidate, candidates
from featherlight.fitting.limits import Limits
from featherlight.fitting.promise import expected_error
from featherlight.fitting.rungs import field
from featherlight.fitting.task import Task
from featherlight.fitting.time_candidates import Timing, nothing_fits, settle_engines
from featherlight.journal import Journal, Record
from featherlight.timing import Measurement, Target, this_machine

TARGET = Target("torch", "1", 1, "f32", 1, this_machine())
FIRST, OTHERS = 96, (80, 128)
MOST = 4
NETWORKS = {name: candidates(FIRST)[name] for name in ("mobilenet_v2", "shufflenet_v2", "squeezenet_1_1")}
EVERY = [c for size in (FIRST, *OTHERS) for name in NETWORKS for c in candidates(size)[name]]


class Formula:
    """A bench where a candidate takes 1 ms times width^1.5 times its pixels over those of FIRST."""

    def __init__(self) -> None:
        self.timed: list[str] = []
        self.timed_again: list[str] = []
        self.open: set[Candidate] = set()

    def time(self, candidate: Candidate) -> Measurement:
        self.timed.append(candidate.name)
        self.open.add(candidate)
        return self._takes(candidate)

    def time_again(self, rivals: Mapping[Candidate, Target]) -> dict[Candidate, Measurement]:
        self.timed_again += [rival.name for rival in rivals]
        return {rival: self._takes(rival) for rival in rivals}

    def source(self, candidate: Candidate) -> ModuleSource:
        return ModuleSource(candidate.network(2, 3).eval(), (3, candidate.size, candidate.size))

    def close(self, candidates: Iterable[Candidate]) -> None:
        self.open -= set(candidates)

    def _takes(self, candidate: Candidate) -> Measurement:
        median = 1e-3 * candidate.width**1.5 * (candidate.size / FIRST) ** 2
        return Measurement(TARGET, median, 0.9 * median, 1.05 * median, 9, False)


def task(folder: Path, budget: float = 0.5e-3, limits: Limits | None = None) -> Task:
    if not (folder / "photos").exists():
        brightness.write_photos(folder / "photos", {"bright": list(range(200, 206)), "dark": list(range(6))})
    record = Record(Journal(folder / "journal.jsonl"))
    return Task(folder, open_dataset(folder / "photos"), budget, limits or Limits(), 60.0, 0, record, lambda _: None)


def timed(asked: Task, bench: Formula) -> Timing:
    timing = Timing(asked, cast("Bench", bench))
    timing.time_promising(EVERY, lambda some: field({c: expected_error(c, 1e5) for c in some}, MOST))
    return timing


def test_the_promising_are_timed_and_the_rest_is_not(tmp_path: Path) -> None:
    bench = Formula()
    found = timed(task(tmp_path), bench).found
    assert len(set(bench.timed)) == len(bench.timed) < len(EVERY) / 2
    assert not bench.open
    times = {each.candidate: each.measurement.p90 for each in found.timed}
    assert all((times[each.candidate] <= 0.5e-3) == (each.verdict == "fits") for each in found.timed)
    within = [c for c in EVERY if 1.05e-3 * c.width**1.5 * (c.size / FIRST) ** 2 <= 0.5e-3]
    best = min(within, key=lambda candidate: expected_error(candidate, 1e5))
    assert best in found.fitting
    assert len(found.fitting) >= MOST


def test_those_near_the_budget_are_measured_three_times_more(tmp_path: Path) -> None:
    bench = Formula()
    timed(task(tmp_path), bench)
    assert bench.timed_again
    assert all(bench.timed_again.count(name) == 3 for name in bench.timed_again)


def test_going_on_nothing_is_measured_again(tmp_path: Path) -> None:
    found = timed(task(tmp_path), Formula()).found
    again = Formula()
    assert timed(task(tmp_path), again).found == found
    assert again.timed == again.timed_again == []


@pytest.mark.parametrize("events", [3, 6, 9, 12])
def test_going_on_from_the_middle_only_the_rest_is_measured(tmp_path: Path, events: int) -> None:
    whole = Formula()
    found = timed(task(tmp_path), whole).found
    journal = tmp_path / "journal.jsonl"
    kept = journal.read_text().splitlines(keepends=True)[:events]
    journal.write_text("".join(kept))
    rest = Formula()
    assert timed(task(tmp_path), rest).found == found
    assert len(rest.timed) + len(rest.timed_again) == len(whole.timed) + len(whole.timed_again) - events


def test_what_is_too_large_is_never_timed(tmp_path: Path) -> None:
    bench = Formula()
    found = timed(task(tmp_path, budget=1.0, limits=Limits(size=3_000_000)), bench).found
    assert found.ruled_out
    assert not {each.candidate.name for each in found.ruled_out} & set(bench.timed)
    assert {each.verdict for each in found.ruled_out} == {"too large"}
    assert all(each.bytes > 3_000_000 for each in found.ruled_out)
    assert {each.verdict for each in found.timed} == {"fits"}
    assert timed(task(tmp_path, budget=1.0, limits=Limits(size=3_000_000)), Formula()).found == found


def test_where_nothing_fits_it_names_the_nearest_or_the_smallest(tmp_path: Path) -> None:
    asked = task(tmp_path, budget=1e-6)
    error = nothing_fits(asked, timed(asked, Formula()).found)
    assert isinstance(error, BadInput)
    assert "no network keeps a budget of 0.001 ms here: the nearest, s" in str(error)
    (tmp_path / "limits").mkdir()
    tight = task(tmp_path / "limits", limits=Limits(size=1000))
    assert "every network is too large: the smallest, squeezenet_1_1 0.25x at " in str(
        nothing_fits(tight, timed(tight, Formula()).found)
    )


def test_engines_far_behind_on_one_candidate_are_not_tried_on_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [engine.name for engine in available()]
    medians = {name: 1e-3 if at else 9e-3 for at, name in enumerate(names)}
    monkeypatch.setattr(Bench, "race", lambda self, judge: medians)
    bench = Bench("auto", 1, 3, 2)
    settle_engines(task(tmp_path), bench, NETWORKS)
    assert [engine.name for engine in bench.engines] == names[1:]
    monkeypatch.setattr(Bench, "race", lambda self, judge: pytest.fail("they raced before"))
    again = Bench("auto", 1, 3, 2)
    settle_engines(task(tmp_path), again, NETWORKS)
    assert again.engines == bench.engines
