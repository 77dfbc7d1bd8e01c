from __future__ import annotations

import json
import sys
from pathlib import Path

import onnx
import pytest
from PIL import Image

from featherlight.cli import main
from featherlight.cost import Bandwidth, Ceilings
from featherlight.explain import profiling, what_if
from featherlight.graph import from_torch, to_onnx
from featherlight.timing import probe
from small_networks import small_networks


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ceilings = Ceilings(50e9, (Bandwidth(1 << 18, 100e9),), noisy=True)
    monkeypatch.setattr(probe, "ceilings", lambda threads: ceilings)
    monkeypatch.setattr(profiling, "SECONDS", 0.02)
    monkeypatch.setattr(what_if, "SECONDS", 0.02)
    onnx.save(to_onnx(from_torch(small_networks()["residual"], (1, 3, 16, 16))), tmp_path / "net.onnx")
    Image.new("RGB", (40, 30), "red").save(tmp_path / "cat.png")
    monkeypatch.chdir(tmp_path)


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["featherlight", "profile", *arguments])
    with pytest.raises(SystemExit) as exit:
        main()
    return int(exit.value.code or 0), *capsys.readouterr()


def test_a_table_with_a_line_a_step(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(monkeypatch, capsys, "net.onnx", "cat.png", "--engine", "onnxruntime", "--what-if")
    assert code == 0
    assert err.startswith("tracing net.onnx on onnxruntime\ntiming net.onnx on onnxruntime\n")
    title, time, _, head, _, *lines = out.splitlines()
    assert title.startswith("net.onnx for images 1x3x16x16, onnxruntime ")
    assert " ms a call, 10th to 90th percentile " in time
    assert head.split()[:4] == ["step", "what", "ms", "share"]
    table = lines[: lines.index("")]
    assert [line.split("  ")[0] for line in table[-2:]] == ["in no step", "a call"]
    shares = [float(line.split("%")[0].split()[-1]) for line in table[:-1]]
    assert sum(shares) == pytest.approx(100, abs=0.1 * len(shares))
    assert "Before the network, for the photograph: reading " in out
    assert "The least times are too long: the machine was busy" in out
    assert "Guidelines broken" in out
    assert "Mended and timed, each layer or block on its own:\n- G" in out


def test_json_and_nothing_else(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(monkeypatch, capsys, "net.onnx", "--json")
    document = json.loads(out)
    assert (code, document["name"], document["preparing"]) == (0, "net.onnx", None)
    assert sum(row["seconds"] for row in document["rows"]) + document["remainder"] == pytest.approx(
        document["time"]["median"]
    )


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("mobilenet_v9",), "'mobilenet_v9' matches no network"),
        (("nothing.onnx",), "nothing.onnx cannot be read"),
        ((".",), ". holds no network, for it has no config.json: name a folder that `featherlight fit`, "),
        (("net.onnx", "nothing.jpg"), "'nothing.jpg' does not exist"),
        (("net.onnx", "--engine", "tensorrt"), "engine must be a known name"),
        (("net.onnx", "--engine", "torch"), "the engine torch runs torch modules"),
        (("net.onnx", "--size", "32"), "takes images of 16x16"),
        (("net.onnx", "--threads", "0"), "threads must be a whole number above 0"),
    ],
)
def test_bad_input_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], word: str
) -> None:
    code, out, err = run(monkeypatch, capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith("Error: ")
    assert word in err
    assert "Traceback" not in err
