"""The race on a few small images: heats, who goes on, and what happens to those that diverge."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import brightness
from featherlight import training
from featherlight.data import open_dataset
from featherlight.errors import Failure
from featherlight.fitting.candidates import Candidate
from featherlight.fitting.limits import Limits
from featherlight.fitting.rates import Rates
from featherlight.fitting.task import Task
from featherlight.fitting.train_candidates import Winner, promise, train_candidates
from featherlight.journal import Journal, Record
from featherlight.layers import Network
from featherlight.training import Trained

THIN, WIDE = Candidate("squeezenet_1_1", 0.25, 32), Candidate("squeezenet_1_1", 0.5, 32)
OTHER = Candidate("shufflenet_v2", 0.25, 32)


def quick(patch: pytest.MonkeyPatch) -> None:
    """Heats, however short, and a rate of training that is not measured."""
    patch.setattr("featherlight.fitting.rungs.LEAST_IMAGES", -1e9)
    patch.setattr("featherlight.fitting.rates.fastest_threads", lambda *_: 1)
    patch.setattr("featherlight.fitting.rates.images_per_second", lambda *_, **__: 400.0)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return new_task(tmp_path)


@pytest.fixture(scope="module")
def raced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Winner]:
    """A race that is over, and the folder that it left."""
    folder = tmp_path_factory.mktemp("raced")
    with pytest.MonkeyPatch.context() as patch:
        quick(patch)
        return folder, race(new_task(folder))


def new_task(folder: Path) -> Task:
    brightness.write_photos(folder / "photos", {"bright": list(range(200, 212)), "dark": list(range(12))})
    return task_in(folder)


def task_in(folder: Path) -> Task:
    record = Record(Journal(folder / "journal.jsonl"))
    return Task(folder, open_dataset(folder / "photos"), 1e-3, Limits(), 0.5, 0, record, lambda _: None)


def race(task: Task) -> Winner:
    return train_candidates(task, [THIN, WIDE, OTHER], Rates(task, [WIDE, OTHER]))


def diverging(architecture: str) -> Callable[..., Trained]:
    """Training that fails for one architecture, or for all ("")."""
    honest: Callable[..., Trained] = training.train_network

    def train(model: Network, *arguments: object, **options: object) -> Trained:
        if architecture in ("", model.architecture):
            raise Failure("training diverged: the loss is nan")
        return honest(model, *arguments, **options)

    return train


def test_each_rung_halves_the_field_and_goes_on_from_the_weights_before(raced: tuple[Path, Winner]) -> None:
    folder, winner = raced
    assert [heat.rung for heat in winner.heats] == [1, 1, 1, 2, 2, 3]
    mine = [heat for heat in winner.heats if heat.candidate == winner.candidate]
    assert [heat.images_before for heat in mine] == [0, mine[0].images, mine[0].images + mine[1].images]
    assert winner.training == mine[-1]
    assert [event["event"] for event in Journal(folder / "journal.jsonl").read()].count("rung") == 2
    assert set(winner.accuracies) == {THIN, WIDE, OTHER}


def test_heats_are_cut_shorter_where_training_is_slower_than_it_seemed(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("featherlight.fitting.rates.images_per_second", lambda *_, **__: 8000.0)
    winner = race(task)
    assert winner.heats[2].images < winner.heats[0].images


def test_a_race_that_is_over_is_read_back_from_its_record(raced: tuple[Path, Winner]) -> None:
    folder, winner = raced
    events = Journal(folder / "journal.jsonl").read()
    again = race(task_in(folder))
    assert again.heats == winner.heats
    assert again.candidate == winner.candidate
    weights = winner.network.state_dict()
    assert all(bool((tensor == weights[name]).all()) for name, tensor in again.network.state_dict().items())
    assert Journal(folder / "journal.jsonl").read() == events


def test_weights_that_are_not_those_of_the_record_are_refused(raced: tuple[Path, Winner], tmp_path: Path) -> None:
    folder, winner = raced
    shutil.copytree(folder, tmp_path / "damaged")
    path = tmp_path / "damaged" / "candidates" / winner.training.weights
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(Failure, match=r"safetensors is missing or damaged, and the fit cannot go on from it"):
        _ = race(task_in(tmp_path / "damaged")).network


def test_a_candidate_that_diverges_is_out_and_the_others_go_on(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("featherlight.fitting.heats.train_network", diverging("squeezenet_1_1"))
    winner = race(task)
    assert winner.candidate == OTHER
    assert {heat.candidate for heat in winner.heats if heat.failed} == {THIN, WIDE}
    assert set(winner.accuracies) == {OTHER}


def test_where_all_diverge_it_says_so(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("featherlight.fitting.heats.train_network", diverging(""))
    with pytest.raises(Failure, match=r"every candidate diverged; the last, .*: training diverged: the loss is nan"):
        race(task)


def test_too_short_a_time_leaves_the_choice_to_what_is_known(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("featherlight.fitting.rungs.LEAST_IMAGES", 10_000)
    winner = race(task)
    assert [heat.rung for heat in winner.heats] == [1]
    assert winner.rungs == ()
    expected = promise([THIN, WIDE, OTHER], Rates(task, [WIDE, OTHER]), task.seconds)
    assert winner.candidate == min(expected, key=lambda candidate: expected[candidate])
