from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

import brightness
import featherlight as fl
import hand_made_report as made
from featherlight.data import Preprocessing, open_dataset
from featherlight.errors import BadInput
from featherlight.explain import profiling
from featherlight.pretrained import create_model, save
from featherlight.report.gather import gather
from featherlight.timing import probe

FIT = Path(__file__).parents[1] / "fixtures" / "fit.json"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's ceilings are not measured here: that takes seconds, and has its own tests."""
    monkeypatch.setattr(probe, "ceilings", lambda threads: made.CEILINGS)
    monkeypatch.setattr(profiling, "SECONDS", 0.05)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs of two classes."""
    home = tmp_path_factory.mktemp("data") / "photos"
    brightness.write_photos(home, {"bright": [250 - number for number in range(8)], "dark": list(range(8))})
    return home


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved network for them, weights at random."""
    home = tmp_path_factory.mktemp("saved") / "network"
    torch.manual_seed(0)
    model = create_model("shufflenet_v2", width=0.25, num_classes=2, size=32)
    save(home, model, label_names=("bright", "dark"), preprocessing=Preprocessing(32, crop_pct=1.0).to_config())
    return home


def with_result(network: Path, folder: Path, **changes: object) -> Path:
    """The network in a folder of its own, beside the fit.json of another one with `changes`."""
    shutil.copytree(network, folder)
    (folder / "fit.json").write_text(json.dumps(json.loads(FIT.read_bytes()) | changes))
    return folder


def test_a_fit_is_profiled_on_its_engine_and_evaluated_on_its_images(
    network: Path, photos: Path, tmp_path: Path
) -> None:
    folder = with_result(network, tmp_path / "result", data=str(photos))
    said: list[str] = []
    report = gather([folder], say=said.append)
    (chapter,) = report.chapters
    assert not isinstance(chapter.profile, str)
    assert chapter.profile.measurement.target.engine == "onnxruntime"
    assert chapter.profile.ceilings == made.CEILINGS
    assert not isinstance(chapter.evaluation, str)
    assert chapter.evaluation.images == len(open_dataset(photos).test)
    assert len(chapter.pictures) == len(chapter.evaluation.worst) > 0
    assert all(picture.startswith("data:image/") for picture in chapter.pictures)
    assert len(chapter.marks) == len(json.loads(FIT.read_bytes())["candidates"])
    assert report.versions["onnxruntime"] == chapter.profile.measurement.target.version
    assert chapter.commands[-1] == f"featherlight report {folder}"
    assert said[-1] == f"asking {folder} about the test images of {photos}"


def test_what_is_missing_is_said_in_a_sentence(network: Path, tmp_path: Path) -> None:
    target = json.loads(FIT.read_bytes())["target"] | {"engine": "tensorflow"}
    folder = with_result(network, tmp_path / "result", data="no/such/folder", target=target)
    (chapter,) = gather([folder]).chapters
    assert isinstance(chapter.profile, str)
    assert chapter.profile.startswith("Where the time goes is not known: it was made for tensorflow. ")
    assert isinstance(chapter.evaluation, str)
    assert "no/such/folder" in chapter.evaluation
    assert chapter.evaluation.endswith("Name the images with --data.")
    assert chapter.pictures == ()
    assert len(chapter.marks) > 1  # the fit is still told


def test_images_that_have_changed_are_no_error_unless_they_were_named(
    network: Path, photos: Path, tmp_path: Path
) -> None:
    changed = tmp_path / "photos"
    shutil.copytree(photos, changed)
    (changed / "dark").rename(changed / "darker")
    folder = with_result(network, tmp_path / "result", data=str(changed))
    (chapter,) = gather([folder]).chapters
    assert isinstance(chapter.evaluation, str)
    assert chapter.evaluation.startswith(
        "What it takes for what is not known: the data must have the network's classes"
    )
    with pytest.raises(BadInput, match="the data must have the network's classes"):
        gather([folder], data=changed)


def test_networks_by_name_and_file_stand_alone(network: Path, photos: Path, tmp_path: Path) -> None:
    fl.export(network, tmp_path / "net.onnx", photos)
    by_name, file = gather(["squeezenet_1_1", tmp_path / "net.onnx"], engine="onnxruntime").chapters
    assert (by_name.marks[0].family, file.marks[0].family) == ("squeezenet", "other")
    assert file.marks[0].accuracy is None
    assert by_name.marks[0].of in ("", "of ImageNet's validation images, as published")
    assert {chapter.evaluation for chapter in (by_name, file)} == {
        "What it takes for what is not known: no images were named (--data)."
    }


def test_images_that_are_named_are_used(network: Path, photos: Path) -> None:
    (chapter,) = gather([network], engine="onnxruntime", data=photos).chapters
    assert not isinstance(chapter.evaluation, str)
    (mark,) = chapter.marks
    assert mark.family == "shufflenet_v2"
    assert (mark.accuracy, mark.of) == (chapter.evaluation.top1, f"of {photos} (test)")
    assert [fact.label for fact in chapter.facts] == ["Time for one image", "Multiply-adds"]


def test_what_is_no_network_is_refused(network: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="empty holds no result"):
        gather([tmp_path / "empty"])
    with pytest.raises(BadInput, match="'mobilnet_v2'"):
        gather(["mobilnet_v2"])
    with pytest.raises(BadInput, match="'tensorflow'"):
        gather([network], engine="tensorflow")
    with pytest.raises(BadInput, match="there is nothing at 'nowhere'"):
        gather([network], engine="onnxruntime", data="nowhere")
    with pytest.raises(BadInput, match="at least one network"):
        gather([])
