from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings

from featherlight.errors import BadInput
from featherlight.layers import Network
from featherlight.models import entry
from featherlight.pretrained import convert_state_dict, create_model, read_folder, save, twin
from featherlight.spec import Spec, small_images, to_json
from strategies import specs

PREPROCESSING = {"input_size": [1, 28, 28], "mean": [0.3], "std": [0.35], "crop_pct": 1.0, "interpolation": "bilinear"}
IMAGES = torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(1))
LABELS = ["cat", "dog", "été 😀"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A saved network for small grey images."""
    model = create_model("shufflenet_v2", width=0.25, num_classes=3, in_chans=1, size=28)
    save(tmp_path / "result", model, label_names=LABELS, preprocessing=PREPROCESSING, tag="mine", license="mit")
    return tmp_path / "result"


def scores(model: Network, images: torch.Tensor = IMAGES) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model.eval()(images)
    return found


def in_channels_last(model: Network) -> Network:
    """The network as training leaves it."""
    again: Network = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return again


def test_a_network_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    model = create_model("mobilenet_v3_small", width=0.35, num_classes=3, in_chans=1, size=28, global_pool="max")
    save(tmp_path, in_channels_last(model), label_names=LABELS, preprocessing=PREPROCESSING)
    again = create_model(f"local-dir:{tmp_path}", pretrained=True)
    assert torch.allclose(scores(again), scores(model), atol=1e-7)  # not equal: the memory format is another
    assert again.spec == model.spec
    assert (again.architecture, again.global_pool) == ("mobilenet_v3_small", "max")
    found = read_folder(tmp_path)
    assert found.label_names == tuple(LABELS)
    assert found.preprocessing["mean"] == [0.3]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(specs())
def test_any_spec_is_rebuilt(tmp_path: Path, spec: Spec) -> None:
    model = Network(spec, num_classes=2, in_chans=1)
    save(tmp_path, model, label_names=["a", "b"], preprocessing=PREPROCESSING)
    again = create_model(f"local-dir:{tmp_path}", pretrained=True)
    assert again.spec == spec
    assert again.architecture is None
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in model.state_dict().items())


def test_the_configuration_is_in_timms_layout(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    assert config["architecture"] == "shufflenet_v2"
    assert config["num_classes"] == 3
    assert config["num_features"] == 1024
    assert config["label_names"] == LABELS
    assert config["model_args"] == {"spec": to_json(small_images(entry("shufflenet_v2").build(width=0.25)))}
    assert config["pretrained_cfg"] == {
        **PREPROCESSING,
        "tag": "mine",
        "license": "mit",
        "num_classes": 3,
        "pool_size": None,
        "first_conv": "rows.0.conv",
        "classifier": "head.classifier",
    }
    names = dict(create_model(f"local-dir:{folder}").named_modules())
    assert {"rows.0.conv", "head.classifier"} <= names.keys()


@pytest.mark.parametrize("name", ["shufflenet_v1_g3", "timm:mobilenetv3_small_050"])
def test_a_network_under_its_own_name_needs_no_table(tmp_path: Path, name: str) -> None:
    save(tmp_path, create_model(name, num_classes=3), label_names=LABELS, preprocessing={})
    config = json.loads((tmp_path / "config.json").read_text("utf-8"))
    assert (config["architecture"], config["model_args"]) == (name, {})
    assert create_model(f"local-dir:{tmp_path}", pretrained=True).spec == create_model(name).spec


def test_the_card_has_front_matter_classes_and_notes(tmp_path: Path) -> None:
    model = create_model("squeezenet_1_1", num_classes=30)
    labels = [f"class {index}" for index in range(30)]
    save(tmp_path / "shoes", model, label_names=labels, preprocessing={}, license="mit", notes="## How\nWith care.\n")
    card = (tmp_path / "shoes" / "README.md").read_text("utf-8")
    assert card.startswith("---\ntags:\n- image-classification\n")
    assert 'license: "mit"\n' in card
    assert "# shoes\n" in card
    assert "class 19 and 10 more." in card
    assert card.endswith("\n## How\nWith care.\n")


def test_saved_files_replace_those_that_are_there_or_none_of_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    model = create_model("shufflenet_v2", width=0.25, num_classes=3, in_chans=1, size=28)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(safetensors.torch, "save_file", fail)
        with pytest.raises(OSError, match="No space"):
            save(folder, model, label_names=LABELS, preprocessing=PREPROCESSING)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    save(folder, model, label_names=LABELS, preprocessing=PREPROCESSING)
    assert {file.name for file in folder.iterdir()} == before.keys()
    assert torch.equal(scores(create_model(f"local-dir:{folder}", pretrained=True)), scores(model))


def test_what_cannot_be_saved_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="label_names must be 2 names, one a class; got 3"):
        save(tmp_path / "a", create_model("squeezenet_1_1", num_classes=2), label_names=LABELS, preprocessing={})
    with pytest.raises(BadInput, match="must have a classifier"):
        save(tmp_path / "a", create_model("squeezenet_1_1", num_classes=0), label_names=[], preprocessing={})
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"architecture": 3}, "architecture must be a name; got 3"),
        ({"architecture": "mobilenet_v9", "model_args": {}}, "architecture must be a known name; got 'mobilenet_v9'"),
        ({"num_classes": "3"}, "num_classes must be a whole number"),
        ({"num_classes": True}, "num_classes must be a whole number"),
        ({"num_classes": 4}, "label_names must be 4 names, one a class; got 3"),
        ({"num_classes": 0}, "num_classes must be a whole number of at least 1"),
        ({"in_chans": 0}, "in_chans must be a whole number of at least 1"),
        ({"global_pool": "median"}, "global_pool must be one of 'avg', 'max'"),
        ({"label_names": ["a", "b"]}, "label_names must be 3 names"),
        ({"label_names": ["a", "b", 3]}, "label_names must be a list of names"),
        ({"label_names": "abc"}, "label_names must be a list of names"),
        ({"model_args": []}, "model_args must be an object"),
        ({"model_args": ["spec"]}, "model_args must be an object"),
        ({"model_args": {"width": 0.5}}, "model_args must hold nothing but a spec; got width"),
        ({"model_args": {"spec": {"version": 2}}}, "spec lacks fields|spec.version must be 1"),
        ({"model_args": {"spec": 3}}, "spec must be an object"),
        ({"pretrained_cfg": "none"}, "pretrained_cfg must be an object"),
    ],
)
def test_a_configuration_that_is_wrong_is_told_by_file_and_field(
    folder: Path, change: dict[str, Any], words: str
) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(BadInput, match=words) as caught:
        create_model(f"local-dir:{folder}", pretrained=True)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b'{"num_classes": NaN}', "NaN is not a number of JSON"),
        (b"[" * 200_000 + b"]" * 200_000, "is not JSON"),
        (b"[1, 2]", "must hold a JSON object; got a list"),
        (b" " * (20 << 20), "must have at most 4,194,304 bytes"),
    ],
)
def test_a_configuration_that_is_no_json_object_is_one_sentence(folder: Path, content: bytes, words: str) -> None:
    (folder / "config.json").write_bytes(content)
    with pytest.raises(BadInput, match=words):
        create_model(f"local-dir:{folder}")


def test_a_folder_that_lacks_a_file_says_which(folder: Path) -> None:
    os.rename(folder / "model.safetensors", folder / "elsewhere")
    with pytest.raises(BadInput, match=r"has no weights: its folder must hold model\.safetensors"):
        create_model(f"local-dir:{folder}", pretrained=True)
    assert create_model(f"local-dir:{folder}").num_classes == 3  # fresh weights need no file
    (folder / "config.json").unlink()
    with pytest.raises(BadInput, match=r"config\.json does not exist: the folder does not hold a saved network"):
        create_model(f"local-dir:{folder}")
    with pytest.raises(BadInput, match="is not a folder"):
        create_model(f"local-dir:{folder}/config.json")


def test_absurd_sizes_in_a_configuration_allocate_nothing(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    for number in (10**12, 10**30):
        config["model_args"]["spec"]["rows"][0]["channels"] = number
        (folder / "config.json").write_text(json.dumps(config))
        with pytest.raises(BadInput, match="does not fit"):
            create_model(f"local-dir:{folder}", pretrained=True)


def test_weights_of_another_table_are_listed_and_not_loaded(folder: Path) -> None:
    other = create_model("shufflenet_v2", width=0.5, num_classes=3, in_chans=1, size=28)
    safetensors.torch.save_file(other.state_dict(), folder / "model.safetensors")
    with pytest.raises(BadInput, match=r"model\.safetensors does not fit: .*of another shape: "):
        create_model(f"local-dir:{folder}", pretrained=True)


@pytest.mark.parametrize("form", ["model.safetensors", "pytorch_model.bin"])
def test_a_folder_as_timm_saves_it_is_read(tmp_path: Path, form: str) -> None:
    network = Network(twin("timm:mobilenetv3_small_050").spec, architecture="timm:mobilenetv3_small_050")
    tensors = convert_state_dict(network.state_dict(), network, to="timm")
    if form.endswith("bin"):
        torch.save(tensors, tmp_path / form)
    else:
        safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, tmp_path / form)
    config = {
        "architecture": "mobilenetv3_small_050",
        "num_classes": 1000,
        "num_features": 1024,
        "pretrained_cfg": {
            "tag": "lamb_in1k",
            "custom_load": False,
            "input_size": [3, 224, 224],
            "fixed_input_size": False,
            "interpolation": "bicubic",
            "crop_pct": 0.875,
            "crop_mode": "center",
            "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225],
            "num_classes": 1000,
            "pool_size": [7, 7],
            "first_conv": "conv_stem",
            "classifier": "classifier",
        },
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    images = torch.rand(1, 3, 64, 64)
    assert torch.equal(scores(create_model(f"local-dir:{tmp_path}", pretrained=True), images), scores(network, images))
    assert read_folder(tmp_path).label_names[285] == "Egyptian cat"
    config["pretrained_cfg"]["tag"] = "mine"  # type: ignore[index]
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert read_folder(tmp_path).label_names[285] == "285"


def test_label_names_by_index_are_read(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["label_names"] = {"0": "a", "2": "c", "1": "b"}
    (folder / "config.json").write_text(json.dumps(config))
    assert read_folder(folder).label_names == ("a", "b", "c")


def test_a_name_that_is_ours_and_timms_means_the_same_network() -> None:
    # "mnasnet_small" in a config.json may come from either.
    ours, theirs = entry("mnasnet_small").build(), twin("timm:mnasnet_small").spec
    assert ours.rows == theirs.rows
    assert ours.head == theirs.head
    assert (ours.style.padding, ours.style.epsilon) == (theirs.style.padding, theirs.style.epsilon)
