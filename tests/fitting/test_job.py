"""The whole job on a small folder of pictures: three candidates stand for all, and the stopwatch is the real one."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import featherlight
import hand_made_report as made
from featherlight.data import open_dataset
from featherlight.errors import BadInput, DiskFull, Failure
from featherlight.fitting import fit
from featherlight.fitting.bench import Bench
from featherlight.fitting.candidates import Candidate
from featherlight.journal import Journal
from featherlight.predict import Classifier
from featherlight.timing import this_machine
from featherlight.training import evaluate
from full_disk import no_room

SIZE = 32


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes that differ in colour: 40 pictures each."""
    root = tmp_path_factory.mktemp("pictures")
    noise = np.random.default_rng(0)
    for label, colour in (("blue", (40, 60, 200)), ("red", (200, 60, 40))):
        (root / label).mkdir()
        for number in range(40):
            pixels = noise.normal(colour, 40, (SIZE, SIZE, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / label / f"{number}.png")
    return root


@pytest.fixture(autouse=True)
def _three_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    def few(size: int) -> dict[str, tuple[Candidate, ...]]:
        return {"squeezenet_1_1": tuple(Candidate("squeezenet_1_1", width, size) for width in (0.25, 0.35, 0.5))}

    monkeypatch.setattr("featherlight.fitting.job.candidates", few)
    monkeypatch.setattr("featherlight.fitting.rungs.LEAST_IMAGES", -1e9)  # heats, however short
    monkeypatch.setattr("featherlight.fitting.rungs.WIDTHS_EACH", 3)
    monkeypatch.setattr("featherlight.fitting.bench.SECONDS", 0.02)
    monkeypatch.setattr("featherlight.timing.probe.ceilings", lambda threads: made.CEILINGS)  # it takes seconds
    monkeypatch.setattr("featherlight.explain.profiling.SECONDS", 0.02)
    monkeypatch.setattr("featherlight.fitting.rates.fastest_threads", lambda *_: 1)
    monkeypatch.setattr("featherlight.fitting.rates.images_per_second", lambda *_, **__: 400.0)


def test_it_writes_a_network_that_names_the_pictures(pictures: Path, tmp_path: Path) -> None:
    said: list[str] = []
    out = tmp_path / "result"
    fitted = fit(pictures, "10s", out=out, size=SIZE, minutes=0.02, engine="onnxruntime", say=said.append)
    assert fitted.verdict == "fits"
    assert fitted.test_accuracy == evaluate(
        fitted.classifier().model, open_dataset(pictures).test, fitted.classifier().preprocessing
    )
    assert {path.name for path in out.iterdir()} == {
        "README.md", "accuracy_time.png", "config.json", "fit.json", "journal.jsonl", "model.onnx", "model.safetensors",
        "report.html",
    }  # fmt: skip
    assert f"<title>{fitted.name}" in (out / "report.html").read_text("utf-8")
    document = json.loads((out / "fit.json").read_text())
    assert document == json.loads(json.dumps(fitted.to_json()))
    assert document["network"] == fitted.name
    assert document["target"]["engine"] == "onnxruntime"
    assert document["export"]["agreement"]["images"] > 0
    timed = [event["name"] for event in Journal(out / "journal.jsonl").read() if event["event"] == "timed"]
    assert timed == [candidate["name"] for candidate in document["candidates"]]
    assert document["training"]["validation_accuracy"] == fitted.validation_accuracy
    assert [heat["rung"] for heat in document["heats"]] == [1, 1, 1, 2, 2, 3]  # three start, two go on, one is left
    assert [len(rung["kept"]) for rung in document["rungs"]] == [2, 1]
    assert document["training"]["images_in_all"] > document["training"]["images"]
    assert document["weights_bytes"] == (out / "model.safetensors").stat().st_size < document["memory_bytes"]
    assert document["target"]["threads"] == 1
    assert "Chosen by `featherlight fit`" in (out / "README.md").read_text()
    best, *_ = featherlight.load(out).predict(pictures / "red" / "0.png")
    assert best.label in ("blue", "red")
    assert any("validation accuracy" in sentence for sentence in said)
    with Image.open(fitted.picture) as picture:
        assert picture.width > 500

    files = {path: path.read_bytes() for path in out.iterdir()}
    asked: dict[str, Any] = {"out": out, "size": SIZE, "minutes": 0.02, "engine": "onnxruntime"}
    with pytest.raises(BadInput, match=r"holds a result already \(fit\.json\); name another folder"):
        fit(pictures, "10s", **asked)
    with pytest.raises(
        BadInput, match=r"was begun with something else: budget was 10\.0 and is 9\.0; minutes was 0\.02"
    ):
        fit(f"{pictures}/", "9s", **asked | {"minutes": 0.03}, resume=True)
    said = []
    with pytest.MonkeyPatch.context() as patch:
        for work in ("heats.train_network", "stages.judge", "bench.measure", "place.add_to_fit"):
            patch.setattr(f"featherlight.fitting.{work}", lambda *_, **__: pytest.fail("it was done again"))
        again = fit(pictures, "10s", **asked, resume=True, say=said.append)
    assert said == [f"the fit in {out} has ended already"]
    assert again.to_json() == fitted.to_json()
    assert {path: path.read_bytes() for path in out.iterdir()} == files
    (out / "fit.json").write_text("[")
    with pytest.raises(BadInput, match=r"fit\.json is damaged \(JSONDecodeError: .*\); name another folder"):
        fit(pictures, "10s", **asked, resume=True)


def test_where_weights_cannot_be_had_the_networks_within_the_budget_are_told_once_and_all_of_them(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(_: object) -> None:
        raise Failure("no network")

    def few(size: int) -> dict[str, tuple[Candidate, ...]]:
        # The first has weights and promises most with them; without, the second does.
        return {"shufflenet_v2": (Candidate("shufflenet_v2", 0.5, size),),
                "mobilenet_v3_small": (Candidate("mobilenet_v3_small", 0.75, size),)}  # fmt: skip

    monkeypatch.setattr("featherlight.fitting.weights.fetch", fetch)
    monkeypatch.setattr("featherlight.fitting.job.candidates", few)
    monkeypatch.setattr("featherlight.fitting.train_candidates.LEAST_CONTENDERS", 1)
    monkeypatch.setattr("featherlight.fitting.rungs.LEAST_IMAGES", 1e9)  # only the one that promises most starts
    said: list[str] = []
    fit(pictures, "10s", out=tmp_path / "result", size=96, minutes=0.02, engine="onnxruntime", say=said.append)
    timed = [at for at, each in enumerate(said) if each.startswith("timed: ")]
    assert len(timed) == 2
    [within] = [each for each in said if each.startswith("within ")]
    assert within == "within 10 s (90th percentile): 2 of 2 networks"
    assert said.index(within) > timed[-1]


def test_where_nothing_fits_it_says_what_came_nearest_and_leaves_no_folder(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "result"
    with pytest.raises(BadInput, match=r"no network keeps a budget of 0\.001 ms here: the nearest, .*times the budget"):
        fit(pictures, "1us", out=out, size=SIZE, engine="torch")
    assert not out.exists()
    out.mkdir()
    with pytest.raises(BadInput, match="no network keeps"):
        fit(pictures, "1us", out=out, size=SIZE, engine="torch")
    assert list(out.iterdir()) == []


def test_on_a_full_disk_it_says_what_is_kept_and_goes_on_once_there_is_room(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "result"
    kept = f"cannot be written: No space left on device; free some room; what was finished is in {out}, and --resume"
    with monkeypatch.context() as until_then:
        until_then.setattr("featherlight.files._sync", no_room)
        with pytest.raises(DiskFull, match=kept):
            fit(pictures, "10s", out=out, size=SIZE, minutes=0.02, engine="torch")
    timed = [event for event in Journal(out / "journal.jsonl").read() if event["event"] == "timed"]
    assert timed
    fit(pictures, "10s", out=out, size=SIZE, minutes=0.02, engine="torch", resume=True)
    assert [event for event in Journal(out / "journal.jsonl").read() if event["event"] == "timed"][
        : len(timed)
    ] == timed


def test_after_ctrl_c_the_journal_holds_what_was_timed_and_trained(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "result"
    said: list[str] = []

    def interrupted(sentence: str) -> None:
        said.append(sentence)
        if sentence.startswith("trained"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(pictures, "10s", out=out, size=SIZE, minutes=0.02, engine="torch", say=interrupted)
    events = [event["event"] for event in Journal(out / "journal.jsonl").read()]
    assert said[-1].startswith(f"stopped; what was timed and trained is in {out / 'journal.jsonl'}, and --resume")
    assert events[0] == "start"
    assert "timed" in events
    assert "trained" in events
    assert not (out / "fit.json").exists()
    with pytest.raises(BadInput, match="holds a fit that did not end; go on with --resume, or name another folder"):
        fit(pictures, "10s", out=out)
    with pytest.raises(
        BadInput, match=r"was begun with something else: minutes was 0\.02 and is 1\.0; max_size was None and"
    ):
        fit(pictures, "10s", out=out, size=SIZE, minutes=1.0, engine="torch", max_size=99, resume=True)
    assert [event["event"] for event in Journal(out / "journal.jsonl").read()] == events


def test_other_images_are_refused(pictures: Path, tmp_path: Path) -> None:
    mine, out = tmp_path / "mine", tmp_path / "result"
    shutil.copytree(pictures, mine)

    def interrupted(sentence: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(mine, "10s", out=out, size=SIZE, engine="torch", say=interrupted)
    (mine / "red" / "0.png").unlink()
    with pytest.raises(BadInput, match="was begun with something else: images was '"):
        fit(mine, "10s", out=out, size=SIZE, engine="torch", resume=True)


def test_limits_rule_out_before_training_and_say_by_what(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("featherlight.fitting.place.add_to_fit", lambda *_: None)  # the page has a test above
    out = tmp_path / "result"
    fitted = fit(pictures, "10s", out=out, size=SIZE, minutes=0.01, engine="torch", max_size="300kB", max_memory="1MB")
    assert fitted.name == "squeezenet_1_1 0.25x at 32"
    assert fitted.weights_bytes <= 300_000
    assert fitted.memory_bytes <= 1_000_000
    assert {each.candidate.name: each.verdict for each in fitted.ruled_out} == {
        "squeezenet_1_1 0.35x at 32": "too large",
        "squeezenet_1_1 0.5x at 32": "too large",
    }
    events = Journal(out / "journal.jsonl").read()
    assert sorted(event["name"] for event in events if event["event"] == "ruled out") == sorted(
        each.candidate.name for each in fitted.ruled_out
    )
    with pytest.raises(BadInput, match=r"every network is too much memory|every network is too large"):
        fit(pictures, "10s", out=tmp_path / "none", size=SIZE, engine="torch", max_size="1kB")
    assert not (tmp_path / "none").exists()


@pytest.mark.skipif(this_machine().cores < 2, reason="needs two cores")
def test_each_is_timed_with_one_thread_and_with_all_that_are_allowed(pictures: Path, tmp_path: Path) -> None:
    dataset = open_dataset(pictures)
    bench = Bench("torch", 2, dataset.channels, 2)
    assert [(way.engine.name, way.threads) for way in bench.ways] == [("torch", 1), ("torch", 2)]
    candidate = Candidate("squeezenet_1_1", 0.25, SIZE)
    first = bench.time(candidate)
    assert first.target.threads in (1, 2)
    (again,) = bench.time_again({candidate: first.target}).values()
    assert again.target == first.target
    bench.close([candidate])
    (rebuilt,) = bench.time_again({candidate: first.target}).values()
    assert rebuilt.target == first.target
    bench.close([candidate])


def test_an_export_that_disagrees_is_no_result(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export_module = importlib.import_module("featherlight.predict.write_onnx")
    honest: Callable[..., bytes] = export_module._onnx

    def altered(classifier: Classifier) -> bytes:
        network = classifier.model
        with torch.no_grad():
            network.get_classifier().weight.neg_()  # type: ignore[operator]
            serialised = honest(classifier)
            network.get_classifier().weight.neg_()  # type: ignore[operator]
        return serialised

    monkeypatch.setattr(export_module, "_onnx", altered)
    out = tmp_path / "result"
    with pytest.raises(Failure, match="the exported network must agree with the trained one"):
        fit(pictures, "10s", out=out, size=SIZE, minutes=0.02, engine="torch")
    assert not (out / "model.onnx").exists()
    assert not (out / "fit.json").exists()


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ({"budget": "fast"}, "budget must be a time above 0 such as 2ms"),
        ({"budget": 0.0}, r"budget must be a time above 0; got 0\.0"),
        ({"threads": 0}, "threads must be a whole number from 1 to the"),
        ({"threads": 999}, "cores of this machine; got 999"),
        ({"seed": -1}, "seed must be a whole number of at least 0"),
        ({"budget": [1]}, r"budget must be a time above 0; got \[1\]"),
        ({"size": 8}, "size must be a whole number of at least 28 pixels; got 8"),
        ({"minutes": -1.0}, r"minutes must be a number above 0; got -1\.0"),
        ({"max_size": "5"}, "max-size must be a size above 0 such as 5MB, 500kB or 2MiB; got '5'"),
        ({"max_memory": -1}, "max-memory must be a size above 0 such as 5MB, 500kB or 2MiB; got -1"),
        ({"engine": "tensorflow"}, "engine must be a known name; got 'tensorflow'"),
        ({"data": "nowhere"}, "there is nothing at 'nowhere'"),
    ],
)
def test_bad_arguments_get_a_sentence_and_no_folder(
    pictures: Path, tmp_path: Path, argument: dict[str, object], sentence: str
) -> None:
    arguments: dict[str, object] = {"data": pictures, "budget": "1ms", "out": tmp_path / "result", "size": SIZE}
    with pytest.raises(BadInput, match=sentence):
        fit(**(arguments | argument))  # type: ignore[arg-type]
    assert not (tmp_path / "result").exists()


def test_a_folder_with_something_in_it_is_left_alone(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BadInput, match="exists and is not an empty folder"):
        fit(pictures, "1ms", out=tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"
