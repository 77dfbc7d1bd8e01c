from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from featherlight import predict
from featherlight.cli import main
from featherlight.pretrained import create_model, save


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a small network for two classes."""
    home = tmp_path_factory.mktemp("saved") / "result"
    model = create_model("shufflenet_v2", width=0.25, num_classes=2, size=32)
    save(home, model, label_names=["cat", "dog"], preprocessing={"input_size": [3, 32, 32]})
    return str(home)


@pytest.fixture
def photos(tmp_path: Path) -> str:
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(3):
        pixels = np.random.default_rng(index).integers(0, 256, (40, 60, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return str(folder)


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["featherlight", "export", *arguments])
    with pytest.raises(SystemExit) as exit:
        main()
    return int(exit.value.code or 0), *capsys.readouterr()


def test_a_sentence_says_what_was_written_and_how_it_was_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], result: str, photos: str, tmp_path: Path
) -> None:
    out_file = tmp_path / "net.onnx"
    code, out, err = run(monkeypatch, capsys, result, "--out", str(out_file), "--images", photos)
    assert (code, err) == (0, "")
    assert out.startswith(f"{out_file}: {out_file.stat().st_size:,} bytes, agrees with the trained network on 3 images")
    code, out, _ = run(monkeypatch, capsys, result, "--out", str(out_file), "--images", photos, "--json")
    document = json.loads(out)
    assert document["path"] == str(out_file)
    assert document["agreement"]["same_class"] == 3


def test_made_up_pictures_are_told_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], result: str, tmp_path: Path
) -> None:
    code, out, err = run(monkeypatch, capsys, result, "--out", str(tmp_path / "net.onnx"), "--json")
    assert code == 0
    assert "made-up pictures" in err
    assert json.loads(out)["real"] is False


def test_disagreement_exits_with_1_and_leaves_no_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], result: str, photos: str, tmp_path: Path
) -> None:
    honest = predict.export
    monkeypatch.setattr(predict, "export", lambda *arguments: honest(*arguments, tolerance=1e-12))
    code, out, err = run(monkeypatch, capsys, result, "--out", str(tmp_path / "net.onnx"), "--images", photos)
    assert (code, out) == (1, "")
    assert err.startswith("Error: the exported network must agree with the trained one")
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_a_folder_that_holds_no_network_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], photos: str, tmp_path: Path
) -> None:
    code, out, err = run(monkeypatch, capsys, photos, "--out", str(tmp_path / "net.onnx"))
    assert (code, out) == (2, "")
    assert "config.json does not exist: the folder does not hold a saved network" in err
    assert not (tmp_path / "net.onnx").exists()
