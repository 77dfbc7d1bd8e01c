from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import brightness
import featherlight as fl
from featherlight.cli import main
from featherlight.data import Preprocessing
from featherlight.pretrained import create_model, save

CLASSES = ("dark", "bright")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small network for two classes, with its export; weights at random."""
    home = tmp_path_factory.mktemp("saved") / "result"
    torch.manual_seed(0)
    model = create_model("shufflenet_v2", width=0.25, num_classes=2, size=32)
    save(home, model, label_names=CLASSES, preprocessing=Preprocessing(32, crop_pct=1.0).to_config())
    fl.export(home, home / "model.onnx")
    return home


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve photographs of two classes, one of them broken."""
    home = tmp_path_factory.mktemp("data") / "photos"
    brightness.write_photos(home, {"bright": [250 - number for number in range(6)], "dark": list(range(6))})
    (home / "dark" / "3.png").write_bytes(b"not an image")
    return home


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["featherlight", "evaluate", *map(str, arguments)])
    with pytest.raises(SystemExit) as exit:
        main()
    return int(exit.value.code or 0), *capsys.readouterr()


def test_the_tables_name_accuracy_classes_confusions_and_mistakes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], result: Path, photos: Path
) -> None:
    code, out, err = run(monkeypatch, capsys, result, photos, "--split", "all", "--threads", "1")
    assert code == 0
    assert err.startswith(f"left out: {str(photos / 'dark' / '3.png')!r} is not an image of a known format")
    assert err.count("\n") == 1
    expected = fl.evaluate(result, photos, split="all", threads=1)
    summary, classes, confused, mistakes = (part.splitlines() for part in out.split("\n\n"))
    assert summary[0] == f"{result} on {photos}, split all: 11 images, and 1 that could not be read"
    assert summary[1].startswith(f"top-1 {expected.top1:.1%} (95 % interval ")
    assert "top-5" not in summary[1]  # of two classes it would say nothing
    assert summary[2].startswith("expected calibration error ")
    assert " images a second: torch " in summary[3]
    assert [line.split()[:2] for line in classes[3:]] == [["dark", "5"], ["bright", "6"]]
    assert confused[3].split() == [*expected.confused(1)[0][:2], str(expected.confused(1)[0][2])]
    assert [line.split()[-1] for line in mistakes[3:]] == [mistake.image for mistake in expected.worst]


def test_json_holds_the_whole_document_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], result: Path, photos: Path
) -> None:
    found: list[dict[str, Any]] = []
    for source, *options in ((result,), (result / "model.onnx",), (result, "--engine", "onnxruntime")):
        code, out, _ = run(
            monkeypatch, capsys, source, photos, *options, "--split", "all", "--threads", "1", "--batch", "4", "--json"
        )
        assert code == 0
        found.append(json.loads(out))
    assert [document["target"]["engine"] for document in found] == ["torch", "onnxruntime", "onnxruntime"]
    assert found[0].keys() == fl.evaluate(result, photos, threads=1).to_json().keys()
    for document in found:
        assert document["images"] == 11
        assert len(document["broken"]) == 1
        assert document["target"]["batch"] == 4
        assert document["confusion"] == found[0]["confusion"]
        assert np.allclose(document["calibration"]["error"], found[0]["calibration"]["error"], atol=1e-4)


def test_of_many_classes_the_ones_found_least_often_are_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    names = [f"class{number:02}" for number in range(25)]
    torch.manual_seed(0)
    model = create_model("shufflenet_v2", width=0.25, num_classes=25, size=32)
    preprocessing = Preprocessing(32, crop_pct=1.0).to_config()
    save(tmp_path / "result", model, label_names=names, preprocessing=preprocessing)
    home = brightness.write_photos(tmp_path / "photos", {name: [40, 50, 60] for name in names})
    code, out, _ = run(monkeypatch, capsys, tmp_path / "result", home, "--split", "all", "--threads", "1")
    assert code == 0
    _, classes, confused, mistakes = (part.splitlines() for part in out.split("\n\n"))
    assert classes[0] == "The 20 classes that are found least often"
    assert not any(line.endswith("100.0%") for line in classes)
    assert (len(classes), len(confused), len(mistakes)) == (3 + 20, 3 + 10, 3 + 10)
    assert ", top-5 " in out


def test_other_classes_exit_with_2_and_the_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], result: Path, tmp_path: Path
) -> None:
    home = brightness.write_photos(tmp_path / "photos", {"bright": [1, 2, 3], "dim": [1, 2, 3]})
    code, out, err = run(monkeypatch, capsys, result, home)
    assert (code, out) == (2, "")
    assert err == "Error: the data must have the network's classes; they lack 'dark' and have 'dim', unknown to it\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--engine", "torch"], "the engine torch runs torch modules"),
        (["--split", "half"], "split must be one of train, validation, test, all"),
        (["--threads", "0"], "threads must be a whole number above 0"),
    ],
)
def test_what_cannot_be_asked_exits_with_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    result: Path,
    photos: Path,
    arguments: list[str],
    sentence: str,
) -> None:
    code, out, err = run(monkeypatch, capsys, result / "model.onnx", photos, *arguments)
    assert (code, out) == (2, "")
    assert sentence in err


def test_a_name_that_no_terminal_can_show_is_escaped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], result: Path, tmp_path: Path
) -> None:
    home = brightness.write_photos(tmp_path / "photos", {"bright": [9, 9, 9], "dark": [9, 9, 9]})
    for label in CLASSES:
        folder = os.fsencode(home / label)
        os.rename(os.path.join(folder, b"0.png"), os.path.join(folder, b"\xff.png"))
    code, out, err = run(monkeypatch, capsys, result, home, "--split", "all", "--threads", "1")
    assert (code, err) == (0, "")
    assert r"\udcff.png" in out
