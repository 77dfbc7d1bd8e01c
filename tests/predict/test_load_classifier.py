from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

import featherlight as fl
from featherlight.data import Preprocessing
from featherlight.errors import BadInput
from featherlight.pretrained import create_model, save

PREPROCESSING = Preprocessing(28, (0.3,), (0.35,), 1.0, "bicubic")
PIXELS = np.random.default_rng(0).integers(0, 256, (30, 30), np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = create_model("shufflenet_v2", width=0.25, num_classes=2, in_chans=1, size=28)
    save(tmp_path / "result", model, label_names=["cat", "dog"], preprocessing=PREPROCESSING.to_config())
    return tmp_path / "result"


def test_a_saved_network_is_ready_to_name_photographs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = fl.load(folder)
    assert classifier.label_names == ("cat", "dog")
    assert classifier.preprocessing == PREPROCESSING
    assert not classifier.model.training
    predictions = classifier.predict(PIXELS)
    assert {best.label for best in predictions} == {"cat", "dog"}
    monkeypatch.chdir(folder.parent)
    for name in ("result", "result/", "local-dir:result", str(folder)):
        assert fl.load(name).predict(PIXELS) == predictions


def test_a_name_brings_its_public_weights() -> None:
    classifier = fl.load("mobilenet_v2.tv_in1k")
    assert classifier.label_names[285] == "Egyptian cat"
    assert classifier.preprocessing == Preprocessing()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("results/nowhere", "there is no folder 'results/nowhere'"),
        ("runs/9:30/result", "there is no folder 'runs/9:30/result'"),
        (Path("nowhere"), "there is no folder 'nowhere'"),
        ("mobilnet_v2", r"^'mobilnet_v2' matches no network \(nearest: mobilenet_v2.*\) and is no folder or file"),
        ("x" * 5000, "^'x+' matches no network and is no folder or file here"),
        ("nothing", "^'nothing' matches no network and is no folder or file here"),
        ("missing.flight", "^there is no file 'missing.flight'$"),
        ("missing.onnx", "^there is no file 'missing.onnx'$"),
        ("mobilenet_v2.onnx", "^there is no file 'mobilenet_v2.onnx'$"),
        ("local-dir:nowhere", "nowhere is not a folder"),
        ("shufflenet_v2_se", "no public weights are known for shufflenet_v2_se"),
    ],
)
def test_what_cannot_be_loaded_is_one_sentence(source: str | os.PathLike[str], words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        fl.load(source)
    assert "\n" not in str(caught.value)


def test_an_onnx_file_is_refused_with_the_command_that_makes_a_flight_file_of_it(folder: Path) -> None:
    fl.export(folder, folder / "model.onnx")
    with pytest.raises(
        BadInput, match=r"is an ONNX file, .*`featherlight compile .*model\.onnx --out .*model\.flight`"
    ):
        fl.load(folder / "model.onnx")


def test_a_saved_network_that_is_asked_for_as_a_name_is_told_what_it_is_called(folder: Path) -> None:
    with pytest.raises(BadInput, match=f"is a folder here: .* local-dir:{folder}"):
        create_model(str(folder))


@pytest.mark.parametrize(
    ("field", "value"), [("crop_pct", 0), ("mean", [0.5, 0.5]), ("input_size", [1, 28, 30]), ("interpolation", "magic")]
)
def test_preprocessing_that_cannot_be_followed_is_told_by_field(folder: Path, field: str, value: object) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["pretrained_cfg"][field] = value
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadInput, match=rf"result: pretrained_cfg\.{field} must be"):
        fl.load(folder)


def test_preprocessing_of_other_channels_than_the_network_takes_is_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["pretrained_cfg"].update(Preprocessing(28).to_config())
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadInput, match=r"pretrained_cfg\.input_size must have the network's 1 channel"):
        fl.load(folder)
