from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from onnx import helper

import featherlight as fl
from featherlight.data import Preprocessing
from featherlight.engines import ModuleSource, OnnxSource
from featherlight.errors import BadInput
from featherlight.predict.subject import find_subject
from featherlight.pretrained import create_model, save

PREPROCESSING = Preprocessing(32, crop_pct=0.9)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("saved") / "result"
    model = create_model("shufflenet_v2", width=0.25, num_classes=2, size=32)
    save(home, model, label_names=["a", "b"], preprocessing=PREPROCESSING.to_config())
    fl.export(home, home / "model.onnx")
    return home


def test_a_folder_runs_on_torch_and_its_export_on_onnxruntime(result: Path) -> None:
    folder, file = find_subject(result), find_subject(str(result / "model.onnx"))
    assert (folder.engine, file.engine) == ("torch", "onnxruntime")
    assert isinstance(folder.source, ModuleSource)
    assert isinstance(file.source, OnnxSource)
    assert folder.source.input_shape == file.source.input_shape == (3, 32, 32)
    for subject in (folder, file):
        assert subject.folder == result
        assert subject.label_names == ("a", "b")
        assert subject.preprocessing == PREPROCESSING


def test_a_classifier_is_known_by_its_architecture(result: Path) -> None:
    subject = find_subject(fl.load(result))
    assert (subject.name, subject.folder) == ("shufflenet_v2", None)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"preprocessing": None}, "must hold 'preprocessing', as `featherlight export` writes it"),
        ({"label_names": None}, "must hold 'label_names'"),
        ({"label_names": '{"0": "a"}'}, "must hold label_names as a list of names"),
        ({"label_names": "[1, 2]"}, "must hold label_names as a list of names"),
        ({"label_names": "[" * 100_000}, "cannot be used"),
        ({"preprocessing": "3 x 32"}, "cannot be used: Extra data"),
        ({"preprocessing": "[]"}, r"cannot be used: preprocessing must be an object; got \[\]"),
        ({"preprocessing": '{"std": [0, 1, 1]}'}, "cannot be used: std must be 3 numbers above 0"),
        ({"preprocessing": "{}"}, r"takes images of shape \(3, 32, 32\); its metadata says \(3, 224, 224\)"),
    ],
)
def test_an_onnx_file_that_does_not_say_what_it_needs_is_refused(
    result: Path, tmp_path: Path, changes: dict[str, str | None], sentence: str
) -> None:
    model = onnx.load(result / "model.onnx")
    metadata = {entry.key: entry.value for entry in model.metadata_props} | changes
    del model.metadata_props[:]
    helper.set_model_props(model, {key: value for key, value in metadata.items() if value is not None})
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(BadInput, match=sentence) as refused:
        find_subject(tmp_path / "net.onnx")
    assert str(tmp_path / "net.onnx") in str(refused.value)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nowhere.onnx", "nowhere.onnx cannot be read: No such file"),
        ("notes.txt", "notes.txt is not an ONNX model"),
        ("nowhere/", "there is no folder"),
        ("empty", "does not hold a saved network"),
    ],
)
def test_what_is_no_network_is_refused(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "notes.txt").write_text(json.dumps({"not": "a model"}))
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=sentence):
        find_subject(f"{tmp_path}/{name}")


def test_a_name_without_weights_is_refused() -> None:
    with pytest.raises(BadInput, match="shufflenet_v1"):
        find_subject("shufflenet_v1")
