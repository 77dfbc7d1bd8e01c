from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import hand_made_report as made
from featherlight.cli import main
from featherlight.report import write


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["featherlight", "report", *map(str, arguments)])
    with pytest.raises(SystemExit) as exit:
        main()
    return int(exit.value.code or 0), *capsys.readouterr()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was asked of the library, which answers with a report made by hand."""
    calls: list[object] = []

    def gather(sources: list[str], **options: object) -> object:
        calls.append((sources, options["engine"], options["data"]))
        return made.report(made.chapter())

    monkeypatch.setattr(write, "gather", gather)
    return calls


def test_it_writes_the_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, asked: list[object]
) -> None:
    page = tmp_path / "page.html"
    code, out, _ = run(
        monkeypatch, capsys, "result/", "net.onnx", "--out", page, "--engine", "torch", "--data", "photos"
    )
    assert code == 0
    assert asked == [(["result/", "net.onnx"], "torch", "photos")]
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert out == f"{page}: {page.stat().st_size / 1000:.0f} kB; open it in a browser\n"


def test_json_is_one_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, asked: list[object]
) -> None:
    code, out, _ = run(monkeypatch, capsys, "result/", "--out", tmp_path / "page.html", "--json")
    assert code == 0
    document = json.loads(out)
    assert document["page"] == str(tmp_path / "page.html")
    assert document["chapters"][0]["title"] == "mobilenet_v2 0.5x at 32"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["empty"], "empty holds no result: `featherlight fit`, `train`, `search` and `shrink` make folders that do"),
        (["mobilnet_v2"], "'mobilnet_v2' matches no network (nearest: mobilenet_v2"),
        (["squeezenet_1_1", "--engine", "tensorflow"], "'tensorflow'"),
        (["squeezenet_1_1", "--data", "nowhere"], "there is nothing at 'nowhere'"),
        (["squeezenet_1_1", "--out", "empty"], "'empty' is a folder"),
    ],
)
def test_bad_input_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    code, out, err = run(monkeypatch, capsys, *arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert not (tmp_path / "report.html").exists()
