"""A shrink from folder to folder, by a made-up latency table: nothing is timed, so that its choices are the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import featherlight as fl
import small_shrink
from featherlight import shrinking
from featherlight.errors import BadInput, Failure
from featherlight.shrinking import plan, trials
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
    with pytest.raises(Failure, match="is missing or damaged, and the shrink cannot go on from it"):
        shrinking.shrink(trained, photos, **arguments(table, out, resume=True))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"faster": None}, "name either a budget"),
        ({"budget": "1ms"}, "name either a budget"),
        ({"faster": "-3%"}, "faster must be a share above 0 such as 30%"),
        ({"faster": None, "budget": "fast"}, "budget must be a time above 0"),
        ({"faster": "100000%"}, "least that it reaches|nearest takes"),
        ({"faster": None, "budget": "10s"}, "already"),
        ({"method": "magic"}, "method must be one of netadapt, uniform, magnitude"),
        ({"minutes": 0}, "minutes must be a number above 0"),
        ({"target": Path("nowhere.json")}, "nowhere.json cannot be read"),
    ],
)
def test_what_cannot_be_had_is_refused(
    changes: dict[str, Any], words: str, trained: Path, photos: Path, table: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=words):
        shrinking.shrink(trained, photos, **arguments(table, tmp_path / "net", **changes))


def test_images_of_other_classes_are_refused(trained: Path, photos: Path, table: Path, tmp_path: Path) -> None:
    other = tmp_path / "photos"
    for name in ("blue", "green"):
        (other / name).mkdir(parents=True)
        for image in (photos / "blue").iterdir():
            (other / name / image.name).write_bytes(image.read_bytes())
    with pytest.raises(BadInput, match="must have the network's classes in its order; they differ in green, red"):
        shrinking.shrink(trained, other, **arguments(table, tmp_path / "net"))
