from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from featherlight.cli import main
from featherlight.fitting import pack_candidates
from featherlight.fitting.candidates import Candidate
from featherlight.latency import read_table


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["featherlight", "latency", *arguments])
    with pytest.raises(SystemExit) as exit:
        main()
    return int(exit.value.code or 0), *capsys.readouterr()


@pytest.fixture(autouse=True)
def one_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def few(size: int) -> dict[str, tuple[Candidate, ...]]:
        return {"squeezenet_1_1": tuple(Candidate("squeezenet_1_1", width, size) for width in (0.25, 0.5))}

    monkeypatch.setattr(pack_candidates, "candidates", few)
    monkeypatch.setattr("featherlight.latency.device.ROUNDS", 1)


def test_pack_writes_a_bundle_and_says_what_to_do_with_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bundle = tmp_path / "pieces.zip"
    code, out, err = run(monkeypatch, capsys, "--pack", str(bundle), "--size", "32", "--classes", "10")
    assert code == 0
    assert err.splitlines() == ["1 of 2: squeezenet_1_1 0.25x at 32", "2 of 2: squeezenet_1_1 0.5x at 32"]
    first, second, third = out.splitlines()
    assert first.startswith(f"{bundle}: ")
    assert " pieces and 2 whole networks, " in first
    assert second == "on the device, with NumPy and onnxruntime: python pieces.zip --out latency.json"
    assert third == "that takes about 1 min on a machine like this one, more on a slower one"
    assert bundle.exists()

    code, out, _ = run(monkeypatch, capsys, "--pack", str(bundle), "--size", "32", "--width", "0.5")
    assert code == 0
    assert " pieces and 1 whole network, " in out
    code, out, _ = run(monkeypatch, capsys, "--pack", str(bundle), "--size", "32", "--width", "0.5", "--json")
    assert code == 0
    document = json.loads(out)
    assert document["bundle"] == str(bundle)
    assert document["networks"] == 1
    assert 0 < document["minutes"] < 2


@pytest.mark.parametrize("engine", ["onnxruntime", "native"])
def test_out_times_this_machine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, engine: str
) -> None:
    table = tmp_path / "here.json"
    asked = ("--out", str(table), "--size", "32", "--width", "0.25", "--engine", engine, "--json")
    code, out, _ = run(monkeypatch, capsys, *asked)
    assert code == 0
    document = json.loads(out)
    assert document["pieces"] == len(read_table(table).pieces)
    assert document["target"]["engine"] == engine
    assert document["assumed"]  # of one network alone nothing was measured
    code, _, err = run(monkeypatch, capsys, "--out", str(table), "--size", "32")
    assert code == 2
    assert err == f"Error: {table} exists; name another file with --out\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "give either --pack, to time on another device, or --out, to time on this machine"),
        (["--pack", "a.zip", "--out", "a.json"], "give either --pack"),
        (["--pack", "a.zip", "--threads", "2"], "--engine and --threads belong to --out"),
        (["--pack", "a.zip", "--models", "resnet*"], "models must be a known name; got 'resnet*'"),
        (["--pack", "a.zip", "--size", "8"], "size must be a whole number of at least 28 pixels; got 8"),
        (["--pack", "a.zip", "--width", "3"], "width must be one that these networks have (0.25, 0.5); got 3.0"),
        (["--pack", "a.zip", "--classes", "0"], "classes must be a whole number above 0; got 0"),
        (["--pack", "."], "the bundle must be the name of a file; '.' is a folder"),
        (["--out", "a.json", "--engine", "torch"], "engine must be one of onnxruntime, openvino, native; got 'torch'"),
        (["--out", "a.json", "--threads", "0"], "threads must be a whole number above 0; got 0"),
    ],
)
def test_bad_input_gets_a_sentence_and_no_file(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(monkeypatch, capsys, *arguments)
    assert code == 2
    assert err.startswith(f"Error: {sentence}")
    assert err.count("\n") == 1
    assert out == ""
    assert list(tmp_path.iterdir()) == []
