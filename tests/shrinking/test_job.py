"""A shrink from folder to folder, by a made-up latency table: nothing is timed, so that its choices are the same."""

from __future__ import annotations

import errno
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import featherlight as fl
import small_shrink
from featherlight import files, shrinking
from featherlight.errors import BadInput, DiskFull, Failure
from featherlight.journal import Journal
from featherlight.predict.origin import find_origin
from featherlight.shrinking import job, plan, trials
from featherlight.timing import this_machine
from featherlight.training import train_network
from small_shrink import SPEC


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_shrink.photographs(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_shrink.network(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_shrink.table(tmp_path_factory.mktemp("table") / "pi.json")


def arguments(table: Path, out: Path, **changes: Any) -> dict[str, Any]:
    return {"out": out, "faster": "20%", "target": table, "minutes": 0.02} | changes


@pytest.mark.parametrize("method", ["netadapt", "uniform", "magnitude"])
def test_a_network_becomes_a_faster_one(method: str, trained: Path, photos: Path, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "faster"
    shrunk = shrinking.shrink(trained, photos, **arguments(table, out, method=method))
    assert shrunk.faster >= 1.2
    assert shrunk.ratio.ratio <= shrunk.wanted
    assert shrunk.verdict == "fits"
    assert shrunk.predicted.startswith("predicted for Raspberry Pi 9")
    assert shrunk.multiply_adds[1] < shrunk.multiply_adds[0]
    model = fl.create_model(f"local-dir:{out}", True)
    assert model.spec == shrunk.spec != SPEC
    assert len(fl.load(out).predict(photos / "blue" / "1.png")) == 2
    document = json.loads((out / "shrink.json").read_text())
    assert document == json.loads(json.dumps(shrunk.to_json()))
    assert (out / "model.onnx").exists()
    assert not (out / "shrinking").exists()
    low, mean, high = (document["difference"][name] for name in ("low", "mean", "high"))
    assert low <= mean <= high
    assert bool(document["steps"]) == (method == "netadapt")
    assert find_origin(out) == (str(photos), 0)

    said: list[str] = []
    asked = arguments(table, out, method=method, resume=True, say=said.append)
    again = shrinking.shrink(f"{trained}/", f"{photos}/", **asked)
    assert said == [f"the shrink in {out} has ended already"]
    assert again.to_json() == shrunk.to_json()
    with pytest.raises(BadInput, match=r"minutes was 0\.02 and is 0\.03"):
        shrinking.shrink(trained, photos, **asked | {"minutes": 0.03})
    (out / "shrink.json").write_text("{}")
    with pytest.raises(BadInput, match=r"shrink\.json is damaged \(KeyError: 'data'\); name another folder"):
        shrinking.shrink(trained, photos, **asked)


def test_stopped_anywhere_it_goes_on_to_the_same_network(
    trained: Path, photos: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "images_per_second", lambda *_, **__: 300.0)
    monkeypatch.setattr(plan, "fastest_threads", lambda *_, **__: 1)
    whole = shrinking.shrink(trained, photos, **arguments(table, tmp_path / "whole"))
    calls = 0

    def interrupted(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls % 3 == 0:
            raise KeyboardInterrupt
        return train_network(*given, **named)

    monkeypatch.setattr(trials, "train_network", interrupted)
    out, resumes = tmp_path / "stopped", 0
    asked = arguments(table, out)
    while True:
        try:
            stopped = shrinking.shrink(trained, photos, **asked, resume=resumes > 0)
            break
        except KeyboardInterrupt:
            resumes += 1
            assert resumes < 50
    assert resumes > 1
    assert stopped.spec == whole.spec
    assert (out / "model.safetensors").read_bytes() == (tmp_path / "whole" / "model.safetensors").read_bytes()


def test_a_damaged_file_of_weights_is_not_gone_on_from(
    trained: Path, photos: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "net"
    monkeypatch.setattr(trials.Trials, "finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        shrinking.shrink(trained, photos, **arguments(table, out))
    monkeypatch.undo()
    for weights in (out / "shrinking").glob("*.safetensors"):
        weights.write_bytes(b"x")
    with pytest.raises(Failure, match="is missing or damaged, and the job cannot go on from it"):
        shrinking.shrink(trained, photos, **arguments(table, out, resume=True))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"faster": None}, "name either a budget"),
        ({"budget": "1ms"}, "name either a budget"),
        ({"faster": "-3%"}, "faster must be a share above 0 such as 30%"),
        ({"faster": "30"}, "faster must be a share above 0 such as 30%; got '30'"),
        ({"faster": None, "budget": "fast"}, "budget must be a time above 0"),
        ({"faster": "100000%"}, r"no network of this kind takes .* ms or less: the nearest takes .* ms; ask for no"),
        ({"faster": "100000%", "method": "uniform"}, r"no network of this kind takes .* the nearest takes .* ms"),
        ({"faster": "100000%", "method": "magnitude"}, r"no network of this kind takes .* the nearest takes .* ms"),
        ({"faster": None, "budget": "10s"}, "already"),
        ({"method": "magic"}, "method must be one of netadapt, uniform, magnitude"),
        ({"minutes": 0}, "minutes must be a number above 0"),
        ({"images": 100}, "name either minutes of training or images to train on, and not both"),
        ({"minutes": None, "images": 0}, "images must be a whole number above 0"),
        ({"choice": "luck"}, "choice must be one of ratio, accuracy"),
        ({"method": "uniform", "choice": "accuracy"}, "and the method uniform makes none: leave it out"),
        ({"target": Path("nowhere.json")}, "nowhere.json cannot be read"),
    ],
)
def test_what_cannot_be_had_is_refused(
    changes: dict[str, Any], words: str, trained: Path, photos: Path, table: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=words):
        shrinking.shrink(trained, photos, **arguments(table, tmp_path / "net", **changes))
    assert not (tmp_path / "net").exists()


@pytest.mark.parametrize("method", ["netadapt", "magnitude"])
def test_every_method_sees_the_images_that_it_was_given(
    method: str, trained: Path, photos: Path, table: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    asked = arguments(table, tmp_path / "net", method=method, minutes=None, images=300, say=said.append)
    shrunk = shrinking.shrink(trained, photos, **asked)
    assert shrunk.images == 300
    assert "300 images of training in all, about" in said[0]
    assert [step for step in said if step.startswith("1: ")] or method == "magnitude"
    assert all(re.search(r"about \d+ more and the long fine-tune, about \d+ s left", each) for each in said[1:-1])


def test_the_choice_of_the_paper_is_kept_to(trained: Path, photos: Path, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "net"
    shrunk = shrinking.shrink(trained, photos, **arguments(table, out, choice="accuracy", minutes=None, images=60))
    assert Journal(out / "shrink.jsonl").read()[0]["choice"] == "accuracy"
    for step in shrunk.steps:
        assert step["tried"][step["kept"]] == max(step["tried"].values())


def test_a_resume_with_other_arguments_is_refused_and_costs_nothing(
    trained: Path, photos: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, said = tmp_path / "net", list[str]()
    monkeypatch.setattr(trials.Trials, "finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        shrinking.shrink(trained, photos, **arguments(table, out, say=said.append))
    assert said[-1] == f"stopped; what was finished is in {out}, and --resume goes on from there"
    before = sorted(path.name for path in out.rglob("*"))
    with pytest.raises(BadInput, match="choice was 'ratio' and is 'accuracy'"):
        shrinking.shrink(trained, photos, **arguments(table, out, choice="accuracy", resume=True))
    assert sorted(path.name for path in out.rglob("*")) == before
    # The table is another device's: on which machine the shrink goes on does not matter.
    monkeypatch.setattr(job, "this_machine", lambda: replace(this_machine(), cpu="another"))
    with pytest.raises(KeyboardInterrupt):
        shrinking.shrink(trained, photos, **arguments(table, out, resume=True))


def test_a_training_that_other_code_began_is_refused_and_loses_nothing(
    trained: Path, photos: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*given: Any, **named: Any) -> Any:
        return train_network(*given, **named | {"progress": lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)})

    out = tmp_path / "net"
    asked = arguments(table, out, method="magnitude", minutes=None, images=60)
    with monkeypatch.context() as until_then:
        until_then.setattr(trials, "train_network", stopped)
        with pytest.raises(KeyboardInterrupt):
            shrinking.shrink(trained, photos, **asked)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert any(path.name == "plan.json" for path in before)
    with monkeypatch.context() as mended:
        mended.setattr("featherlight.training.plan.code_digest", lambda: "mended")
        with pytest.raises(BadInput, match=r"cannot go on, for it differs: code: .* then, mended now"):
            shrinking.shrink(trained, photos, **asked, resume=True)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert shrinking.shrink(trained, photos, **asked, resume=True).verdict == "fits"


@pytest.mark.parametrize("number", [1, 12])  # of the file that no longer fits
def test_a_full_disk_is_a_sentence_and_loses_nothing(
    number: int, trained: Path, photos: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "images_per_second", lambda *_, **__: 300.0)
    sync, calls = files._sync, [0]

    def full(path: Path) -> None:
        calls[0] += path.suffix == ".part"
        if calls[0] >= number and path.suffix == ".part":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(path)

    out = tmp_path / "net"
    with monkeypatch.context() as until_then:
        until_then.setattr(files, "_sync", full)
        with pytest.raises(
            DiskFull, match=rf"cannot be written: No space left on device; .* what was finished is in {out}"
        ):
            shrinking.shrink(trained, photos, **arguments(table, out))
    finished = [event for event in Journal(out / "shrink.jsonl").read() if event["event"] == "trained"]
    shrunk = shrinking.shrink(trained, photos, **arguments(table, out, resume=True))
    assert shrunk.verdict == "fits"
    assert [each for each in Journal(out / "shrink.jsonl").read() if each["event"] == "trained"][
        : len(finished)
    ] == finished


def test_one_class_or_fewer_images_than_it_takes_is_refused(
    trained: Path, photos: Path, table: Path, tmp_path: Path
) -> None:
    def copied(root: Path, blue: int, red: int) -> Path:
        for name, count in (("blue", blue), ("red", red)):
            (root / name).mkdir(parents=True)
            for image in sorted((photos / name).iterdir())[:count]:
                (root / name / image.name).write_bytes(image.read_bytes())
        return root

    one = copied(tmp_path / "one", 5, 0)
    with pytest.raises(BadInput, match=r"each class must have images; .* has none in 'red'"):
        shrinking.shrink(trained, one, **arguments(table, tmp_path / "net"))
    (one / "red").rmdir()
    with pytest.raises(BadInput, match="must hold at least two classes; got one, 'blue'"):
        shrinking.shrink(trained, one, **arguments(table, tmp_path / "net"))
    with pytest.raises(BadInput, match="has too few images; some class must have at least 3"):
        shrinking.shrink(trained, copied(tmp_path / "few", 1, 1), **arguments(table, tmp_path / "net"))
    assert not (tmp_path / "net").exists()


def test_images_of_other_classes_are_refused(trained: Path, photos: Path, table: Path, tmp_path: Path) -> None:
    other = tmp_path / "photos"
    for name in ("blue", "green"):
        (other / name).mkdir(parents=True)
        for image in (photos / "blue").iterdir():
            (other / name / image.name).write_bytes(image.read_bytes())
    with pytest.raises(BadInput, match="must have the network's classes in its order; they differ in green, red"):
        shrinking.shrink(trained, other, **arguments(table, tmp_path / "net"))
