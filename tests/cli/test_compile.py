from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import featherlight_runtime
from featherlight import files
from featherlight.cli import main
from featherlight.graph import Builder, Graph, Tensor, kinds, to_onnx
from full_disk import no_room


def graph() -> Graph:
    builder = Builder()
    x = builder.input("x", Tensor((1, 3, 8, 8)))
    weight = builder.constant("w", np.full((4, 3, 3, 3), 0.1, np.float32))
    (made,) = builder.add(kinds.Convolution((2, 2), (1, 1, 1, 1)), [x, weight], "conv")
    (mean,) = builder.add(kinds.Mean((2, 3), False), [made], "mean")
    return builder.graph([mean])


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "net.onnx"
    path.write_bytes(to_onnx(graph(), dynamic_batch=True).SerializeToString())
    return str(path)


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["featherlight", "compile", *arguments])
    with pytest.raises(SystemExit) as exit:
        main()
    return int(exit.value.code or 0), *capsys.readouterr()


def test_a_sentence_says_what_was_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], model: str, tmp_path: Path
) -> None:
    out_file = tmp_path / "net.flight"
    code, out, err = run(monkeypatch, capsys, model, "--out", str(out_file), "--instructions", "sse2")
    assert (code, err) == (0, "")
    assert out.startswith(f"{out_file}: {out_file.stat().st_size:,} bytes, ")
    assert out.endswith("for images float32 (1, 3, 8, 8) and processors with sse2\n")
    with featherlight_runtime.load(out_file) as network:
        assert network(np.ones((1, 3, 8, 8), np.float32)).shape == (1, 4)


def test_one_document_for_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], model: str, tmp_path: Path
) -> None:
    out_file = tmp_path / "net.flight"
    code, out, _ = run(monkeypatch, capsys, model, "--out", str(out_file), "--batch", "2", "--show", "plan", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["path"] == str(out_file)
    assert document["bytes"] == out_file.stat().st_size
    assert document["inputs"] == [{"shape": [2, 3, 8, 8], "dtype": "float32"}]
    assert document["outputs"] == [{"shape": [2, 4], "dtype": "float32"}]
    assert document["steps"] == len(document["plan"])
    assert any("Convolution" in step["operations"] for step in document["plan"])


@pytest.mark.parametrize(("what", "words"), [("plan", "bytes written"), ("llvm", "define "), ("assembly", ".globl")])
def test_what_is_made_can_be_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], model: str, what: str, words: str
) -> None:
    code, out, err = run(monkeypatch, capsys, model, "--show", what, "--instructions", "avx512")
    assert (code, err) == (0, "")
    assert words in out
    assert ("zmm" in out) == (what == "assembly")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name the file to write"),
        (("--show", "code"), "show must be one of plan, llvm, assembly; got 'code'"),
        (("--out", "."), "out must be the name of a file"),
        (("--show", "plan", "--instructions", "avx1"), "instructions must be a known name; got 'avx1' (nearest: avx"),
        (("--show", "plan", "--precision", "int8"), "precision must be 'float32'"),
        (("--show", "plan", "--size", "9"), "takes images of 8x8; got size 9"),
        (("--show", "plan", "--images", "uint8"), "images can be 'uint8' only where"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    model: str,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    code, out, err = run(monkeypatch, capsys, model, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("Error: ")
    assert words in err
    assert err.count("\n") == 1


def test_a_full_disk_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], model: str, tmp_path: Path
) -> None:
    monkeypatch.setattr(files, "_sync", lambda path: no_room() if path.parent == tmp_path else None)
    path = tmp_path / "net.flight"
    assert run(monkeypatch, capsys, model, "--out", str(path)) == (
        2, "", f"Error: {path} cannot be written: No space left on device; free some room\n"
    )  # fmt: skip
    assert not path.exists()


def test_a_name_without_weights_can_be_looked_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("squeezenet_1_1", "--untrained", "--size", "32", "--show", "plan", "--json")
    code, out, _ = run(monkeypatch, capsys, *asked)
    assert code == 0
    steps = json.loads(out)["plan"]
    assert sum("Convolution" in step["operations"] for step in steps) == 26
    assert "MaxPool" in " ".join(step["operations"] for step in steps)
