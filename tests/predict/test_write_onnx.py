from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

import featherlight as fl
from featherlight.data import Preprocessing
from featherlight.errors import BadInput, Failure
from featherlight.pretrained import create_model, save

NOISE = np.random.default_rng(0)


def write_photos(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True)
    for index in range(count):
        Image.fromarray(NOISE.integers(0, 256, (40, 50, 3), np.uint8)).save(folder / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("saved") / "result"
    model = create_model("shufflenet_v2", width=0.25, num_classes=3, size=32)
    preprocessing = Preprocessing(32, crop_pct=1.0).to_config()
    save(home, model, label_names=["a", "b", "c"], preprocessing=preprocessing)
    return home


def test_an_export_takes_any_number_of_images(folder: Path, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    exported = fl.export(folder, tmp_path / "new" / "net.onnx", photos)
    assert exported.real
    assert exported.images == str(photos)
    assert exported.agreement.images == 3
    assert exported.bytes == (tmp_path / "new" / "net.onnx").stat().st_size
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["net.onnx"]
    session = onnxruntime.InferenceSession(exported.path, providers=["CPUExecutionProvider"])
    classifier = fl.load(folder)
    for count in (1, 3):
        images = classifier.prepare(sorted(photos.iterdir()))[:count]
        (scores,) = session.run(None, {"images": images})
        assert np.allclose(scores, classifier.scores(sorted(photos.iterdir()))[:count], atol=1e-5)


def test_where_the_two_disagree_no_file_is_left_and_an_old_one_stays(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="must agree"):
        fl.export(folder, tmp_path / "net.onnx", tolerance=1e-12)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "net.onnx").write_bytes(b"an older one")
    with pytest.raises(Failure, match="must agree"):
        fl.export(folder, tmp_path / "net.onnx", tolerance=1e-12)
    assert (tmp_path / "net.onnx").read_bytes() == b"an older one"


def test_a_folder_is_no_file_to_write(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"out must be the name of a file; .* is a folder"):
        fl.export(folder, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_photograph_or_nested_ones_will_do_and_broken_ones_are_passed_over(folder: Path, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos" / "cats" / "striped", 2)
    (photos / "broken.png").write_bytes(b"nothing")
    (photos / "notes.txt").write_text("not a photograph")
    assert fl.export(folder, tmp_path / "net.onnx", tmp_path / "photos").agreement.images == 2
    assert fl.export(folder, tmp_path / "net.onnx", photos / "1.png").agreement.images == 1


def test_of_many_photographs_64_are_enough(folder: Path, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 70)
    assert fl.export(folder, tmp_path / "net.onnx", photos).agreement.images == 64


def test_photographs_that_are_asked_for_and_not_there_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.jpg").write_bytes(b"nothing")
    for place, words in {"nowhere": "no images at", "empty": "holds no images", "broken": "is not an image"}.items():
        with pytest.raises(BadInput, match=words):
            fl.export(folder, tmp_path / "net.onnx", tmp_path / place)
    assert not (tmp_path / "net.onnx").exists()


def test_the_data_that_it_was_trained_on_are_found_by_fit_json(folder: Path, tmp_path: Path) -> None:
    for name in ("left", "right"):
        write_photos(tmp_path / "data" / name, 10)
    result = {"data": str(tmp_path / "data"), "seed": 0}
    (folder / "fit.json").write_text(json.dumps(result))
    exported = fl.export(folder, tmp_path / "net.onnx")
    assert exported.real
    assert exported.images == f"validation images of {tmp_path / 'data'}"
    assert exported.agreement.images == 4  # 15 % of each class


@pytest.mark.parametrize("result", ["", "[]", '{"data": 3, "seed": 0}', '{"data": "/nowhere", "seed": 0}', None])
def test_without_any_photographs_pictures_are_made_up_and_it_says_so(
    folder: Path, tmp_path: Path, result: str | None
) -> None:
    (folder / "fit.json").unlink(missing_ok=True)
    if result is not None:
        (folder / "fit.json").write_text(result)
    exported = fl.export(folder, tmp_path / "net.onnx")
    assert not exported.real
    assert exported.images == "made-up pictures"
    assert exported.agreement.images == 64


def test_a_flight_file_is_no_network_to_export(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"net\.flight is compiled, and machine code cannot be turned back into a net"):
        fl.export(tmp_path / "net.flight", tmp_path / "net.onnx")
