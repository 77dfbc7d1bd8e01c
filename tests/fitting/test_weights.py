"""Candidates for photographs that start from trained weights, and what happens where those cannot be had."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import brightness
from featherlight.data import open_dataset
from featherlight.errors import Failure
from featherlight.fitting.candidates import Candidate
from featherlight.fitting.limits import Limits
from featherlight.fitting.rates import Rates
from featherlight.fitting.task import Task
from featherlight.fitting.train_candidates import promise, train_candidates
from featherlight.fitting.weights import has_weights, known_weights, start_of
from featherlight.journal import Journal, Record
from featherlight.pretrained import Weights
from featherlight.training import RECIPES

INSTALLED, WITHOUT = Candidate("mobilenet_v2", 1.0, 96), Candidate("mobilenet_v2", 0.75, 96)
FAR = Candidate("mobilenet_v3_small", 1.0, 96), Candidate("shufflenet_v2", 0.5, 96)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def task(tmp_path: Path, said: list[str]) -> Task:
    brightness.write_photos(tmp_path / "photos", {"bright": list(range(200, 212)), "dark": list(range(12))})
    record = Record(Journal(tmp_path / "journal.jsonl"))
    return Task(tmp_path, open_dataset(tmp_path / "photos"), 1e-3, Limits(), 0.5, 0, record, said.append)


def test_which_have_weights_hangs_on_width_and_size() -> None:
    assert known_weights(INSTALLED) is not None
    assert known_weights(replace(INSTALLED, size=224)) == known_weights(INSTALLED)
    assert known_weights(WITHOUT) is None
    assert known_weights(replace(INSTALLED, size=64)) is None  # a small image's network has other strides
    assert known_weights(Candidate("squeezenet_1_1", 1.0, 96)) is None  # here it has batch norm; its weights have none


def test_one_with_weights_starts_from_them(task: Task) -> None:
    with_weights, without = start_of(task, INSTALLED), start_of(task, WITHOUT)
    assert with_weights.weights == "torchvision:mobilenet_v2.tv_in1k"
    assert with_weights.recipe == RECIPES["fine-tune"]
    assert with_weights.network.spec == INSTALLED.spec
    assert without.weights is None
    assert without.recipe == RECIPES["photographs"]


def test_where_the_network_is_down_one_failure_is_told_and_no_other_is_tried(
    task: Task, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def fetch(weights: Weights) -> None:
        tried.append(weights.name)
        if weights != known_weights(INSTALLED):
            raise Failure("the weights are not here and cannot be had: no network")

    monkeypatch.setattr("featherlight.fitting.weights.fetch", fetch)
    assert [has_weights(task, each) for each in (*FAR, INSTALLED, *FAR)] == [False, False, True, False, False]
    assert tried == ["torchvision:mobilenet_v3_small.tv_in1k", "torchvision:mobilenet_v2.tv_in1k"]
    assert said == [
        "the weights are not here and cannot be had: no network; networks whose weights are not on this machine are "
        "trained from scratch"
    ]
    again = replace(task, record=Record(Journal(task.folder / "journal.jsonl")))
    assert [has_weights(again, each) for each in (*FAR, INSTALLED)] == [False, False, True]
    assert len(tried) == 2  # what was found out stands in the journal


def test_weights_count_before_anything_is_seen(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("featherlight.fitting.rates.fastest_threads", lambda *_: 1)
    monkeypatch.setattr("featherlight.fitting.rates.images_per_second", lambda *_, **__: 400.0)
    rates = Rates(task, [INSTALLED, WITHOUT])
    promised = promise([INSTALLED, WITHOUT], rates, 60.0)
    assert promised[INSTALLED] < 0.6 * promised[WITHOUT]
    assert promise([INSTALLED], rates, 60.0, lacking={INSTALLED})[INSTALLED] > 1.5 * promised[INSTALLED]


def test_the_race_goes_through_with_weights_at_the_start(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("featherlight.fitting.rungs.LEAST_IMAGES", -1e9)
    monkeypatch.setattr("featherlight.fitting.rates.fastest_threads", lambda *_: 1)
    monkeypatch.setattr("featherlight.fitting.rates.images_per_second", lambda *_, **__: 40.0)
    winner = train_candidates(task, [INSTALLED, WITHOUT], Rates(task, [INSTALLED, WITHOUT]))
    first = next(heat for heat in winner.heats if heat.candidate == INSTALLED)
    assert first.recipe["optimiser"] == "adamw"
    assert winner.network.spec == winner.candidate.spec
