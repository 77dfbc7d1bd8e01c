"""Training rates, measured once for each network and scaled to its other widths and sizes."""

from __future__ import annotations

from pathlib import Path

import pytest

import brightness
from featherlight.data import open_dataset
from featherlight.fitting.candidates import Candidate
from featherlight.fitting.limits import Limits
from featherlight.fitting.rates import Rates
from featherlight.fitting.task import Task
from featherlight.journal import Journal, Record


@pytest.fixture
def task(tmp_path: Path) -> Task:
    brightness.write_photos(tmp_path / "photos", {"bright": list(range(200, 206)), "dark": list(range(6))})
    record = Record(Journal(tmp_path / "journal.jsonl"))
    return Task(tmp_path, open_dataset(tmp_path / "photos"), 1e-3, Limits(), 60.0, 0, record, lambda _: None)


def test_a_rate_is_measured_once_on_the_judge_of_its_network(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("featherlight.fitting.rates.SECONDS", 0.01)
    thin, wide = Candidate("squeezenet_1_1", 0.25, 32), Candidate("squeezenet_1_1", 0.5, 32)
    rates = Rates(task, [wide])
    assert rates(thin) > rates(wide) > 0
    assert [event["event"] for event in task.record.journal.read()] == ["threads", "rate"]
    assert task.record.find("rate", name=wide.name) is not None
    again = Rates(task, [wide])
    assert (again(wide), again.threads) == (rates(wide), rates.threads)


def test_a_rate_falls_with_width_and_pixels(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("featherlight.fitting.rates.fastest_threads", lambda *_: 1)
    monkeypatch.setattr("featherlight.fitting.rates.images_per_second", lambda *_, **__: 100.0)
    judge = Candidate("mobilenet_v2", 1.0, 160)
    rates = Rates(task, [judge])
    assert rates(judge) == 100
    assert rates(Candidate("mobilenet_v2", 0.35, 160)) == pytest.approx(100 * 210 / 66, rel=0.02)
    assert rates(Candidate("mobilenet_v2", 1.0, 80)) == pytest.approx(400)
