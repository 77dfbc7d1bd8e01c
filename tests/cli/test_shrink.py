from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import NoReturn

import pytest

import small_shrink
from featherlight.cli import main
from featherlight.shrinking import trials


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["featherlight", "shrink", *arguments])
    with pytest.raises(SystemExit) as exit:
        main()
    return int(exit.value.code or 0), *capsys.readouterr()


def test_a_network_is_made_faster(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source = small_shrink.network(tmp_path / "net")
    photos, table = small_shrink.photographs(tmp_path / "photos"), small_shrink.table(tmp_path / "pi.json")
    asked = (str(source), str(photos), "--faster", "20%", "--minutes", "0.02", "--target", str(table))
    code, out, said = run(monkeypatch, capsys, *asked, "--method", "magnitude", "--out", str(tmp_path / "a"), "--json")
    assert code == 0, said
    document = json.loads(out)
    assert document["faster"] >= 1.2
    assert document == json.loads((tmp_path / "a" / "shrink.json").read_text())
    code, out, said = run(monkeypatch, capsys, *asked, "--method", "uniform", "--out", str(tmp_path / "b"))
    assert code == 0, said
    assert "times as fast, 1.20 wanted: fits (predicted for Raspberry Pi 9" in out
    assert "95 % of paired resamples" in out
    code, out, said = run(monkeypatch, capsys, *asked, "--out", str(tmp_path / "b"))
    assert (code, out) == (2, "")
    assert said == f"Error: {tmp_path / 'b'} holds a result already (shrink.json); name another folder with --out\n"


def test_stopped_it_says_how_to_go_on_and_ended_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source, out = small_shrink.network(tmp_path / "net"), tmp_path / "out"
    photos, table = small_shrink.photographs(tmp_path / "photos"), small_shrink.table(tmp_path / "pi.json")
    asked = (str(source), str(photos), "--faster", "20%", "--images", "60", "--target", str(table), "--out", str(out))
    more = ("--choice", "accuracy", "--resume")
    with monkeypatch.context() as stopping:
        stopping.setattr(trials, "train_network", stop)
        code, printed, said = run(monkeypatch, capsys, *asked, *more)
    assert (code, printed) == (130, "")
    assert f"stopped; what was finished is in {out}, and --resume goes on from there" in said
    code, printed, said = run(monkeypatch, capsys, *asked, *more)
    assert code == 0, said
    code, printed, said = run(monkeypatch, capsys, *asked, *more)
    assert code == 0
    assert said == f"the shrink in {out} has ended already\n"
    assert "times as fast, 1.20 wanted: fits" in printed
    code, printed, said = run(monkeypatch, capsys, *asked, "--resume")
    assert (code, printed) == (2, "")
    assert "was begun with something else: choice was 'accuracy' and is 'ratio'; give the same again" in said


def stop(*_: object, **__: object) -> NoReturn:
    raise KeyboardInterrupt


def test_both_or_neither_of_budget_and_faster_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for more in ((), ("--budget", "1ms", "--faster", "30%")):
        code, out, said = run(monkeypatch, capsys, "net", "photos", "--out", str(tmp_path / "x"), *more)
        assert (code, out) == (2, "")
        assert said.startswith("Error: name either a budget (--budget 1.5ms) or how much faster (--faster 30%)")


def test_an_engine_that_cannot_be_had_leaves_no_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source = small_shrink.network(tmp_path / "net")
    photos, table = small_shrink.photographs(tmp_path / "photos"), small_shrink.table(tmp_path / "pi.json")
    asked = (str(source), str(photos), "--faster", "20%", "--out", str(tmp_path / "x"), "--engine")
    code, out, said = run(monkeypatch, capsys, *asked, "torch")
    assert (code, out) == (2, "")
    assert said.startswith("Error: engine must be auto or one that tells of its steps (onnxruntime, openvino, native);")
    code, out, said = run(monkeypatch, capsys, *asked, "openvino", "--target", str(table))
    assert (code, out) == (2, "")
    assert said.startswith("Error: the latency table is of onnxruntime; got engine 'openvino'")
    assert not (tmp_path / "x").exists()
