from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from featherlight.cli import main
from featherlight.explain import EXPERIMENTS, experiments


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["featherlight", "guidelines", *arguments])
    with pytest.raises(SystemExit) as exit:
        main()
    return int(exit.value.code or 0), *capsys.readouterr()


@pytest.fixture(autouse=True)
def one_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of four and one network are enough for the command; the others have their own tests."""
    monkeypatch.setattr(experiments, "EXPERIMENTS", EXPERIMENTS[:1])
    monkeypatch.setattr(experiments, "NETWORKS", ("shufflenet_v1_g3",))


def test_a_table_an_experiment_and_after_a_quick_run_no_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(monkeypatch, capsys, "--quick", "--engine", "torch", "--engine", "onnxruntime")
    assert code == 0
    assert err.splitlines() == [
        "G1: 4 networks on torch, onnxruntime",
        "figure 2: shufflenet_v1_g3 on torch, onnxruntime",
    ]
    first, _, second = out.partition("\n\nWhere the time")
    title, warning, _, claim, head, _, *lines = first.splitlines()
    assert title.startswith("ShuffleNet v2's experiments on ")
    assert title.endswith(", 1 thread, one image at a time")
    assert warning.startswith("quick: ")
    assert "table 1: ARM (Snapdragon 810), x1, images a second" in claim
    assert head.split()[-3:] == ["paper", "torch", "onnxruntime"]
    assert [line.split()[0] for line in lines] == ["1:1", "1:2", "1:6", "1:12"]  # and no verdict
    assert "about half of the time" in second.splitlines()[0]
    assert [line.split()[:2] for line in second.splitlines()[3:5]] == [
        ["shufflenet_v1_g3", "torch"],
        ["shufflenet_v1_g3", "onnxruntime"],
    ]


def test_json_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    picture = tmp_path / "picture.png"
    code, out, _ = run(monkeypatch, capsys, "--quick", "--engine", "onnxruntime", "--json", "--picture", str(picture))
    document = json.loads(out)
    assert (code, document["threads"], len(document["experiments"])) == (0, 1, 1)
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--device", "cuda"), "GPU"),
        (("--device", "tpu"), "device must be one of cpu, cuda"),
        (("--engine", "tensorrt"), "engine must be a known name"),
        (("--threads", "0"), "threads must be a whole number above 0"),
    ],
)
def test_bad_input_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], word: str
) -> None:
    code, out, err = run(monkeypatch, capsys, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("Error: ")
    assert word in err


def test_a_picture_that_is_a_folder_is_told_before_anything_is_timed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    told = run(monkeypatch, capsys, "--picture", str(tmp_path))
    assert told == (2, "", f"Error: picture must be the name of a file; {str(tmp_path)!r} is a folder\n")
