from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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
def photos(tmp_path: Path) -> list[str]:
    """Two photographs, the second turned by its EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))
    pixels.save(tmp_path / "a.png")
    pixels.save(tmp_path / "b.jpg", exif=exif)
    return [str(tmp_path / "a.png"), str(tmp_path / "b.jpg")]


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["featherlight", "classify", *arguments])
    with pytest.raises(SystemExit) as exit:
        main()
    return int(exit.value.code or 0), *capsys.readouterr()


def test_each_photograph_has_its_best_classes_in_the_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], result: str, photos: list[str]
) -> None:
    code, out, err = run(monkeypatch, capsys, *photos, "--model", result, "--top", "2")
    assert (code, err) == (0, "")
    head, _, *lines = out.splitlines()
    assert head.split() == ["photo", "class", "probability"]
    assert [line.split()[0] for line in lines[::2]] == photos
    assert {line.split()[-2] for line in lines} == {"cat", "dog"}
    assert 0.5 <= float(lines[0].split()[-1]) <= 1


def test_json_holds_predictions_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], result: str, photos: list[str]
) -> None:
    code, out, err = run(monkeypatch, capsys, *photos, "--model", result, "--top", "1", "--json")
    assert (code, err) == (0, "")
    answers = json.loads(out)
    assert [answer["photo"] for answer in answers] == photos
    (best,) = answers[0]["predictions"]
    assert best.keys() == {"label", "index", "probability"}
    assert best["label"] == ["cat", "dog"][best["index"]]


def test_bad_photographs_get_a_sentence_each_and_the_others_a_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], result: str, photos: list[str], tmp_path: Path
) -> None:
    (tmp_path / "text.jpg").write_text("not a photograph")
    (tmp_path / "cut.png").write_bytes(Path(photos[0]).read_bytes()[:2000])
    bad = [str(tmp_path / name) for name in ("text.jpg", "cut.png", "missing.jpg")]
    code, out, err = run(monkeypatch, capsys, bad[0], photos[0], *bad[1:], photos[1], "--model", result)
    assert code == 2
    assert [line.split()[0] for line in out.splitlines()[2::2]] == photos
    sentences = err.splitlines()
    assert len(sentences) == 3
    assert all(path in sentence for path, sentence in zip(bad, sentences, strict=True))
    code, out, _ = run(monkeypatch, capsys, bad[2], photos[0], "--model", result, "--json")
    assert code == 2
    assert [sorted(answer) for answer in json.loads(out)] == [["error", "photo"], ["photo", "predictions"]]


@pytest.mark.parametrize("arguments", [[], ["a.png", "--top", "0"], ["a.png", "--model", "mobilnet_v2"]])
def test_what_cannot_be_asked_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, out, err = run(monkeypatch, capsys, *arguments)
    assert (code, out) == (2, "")
    assert err
