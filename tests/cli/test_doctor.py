from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from featherlight.cli import main
from featherlight.cost import Bandwidth, Ceilings
from featherlight.timing import probe, this_machine


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEATHERLIGHT_CACHE", str(tmp_path))
    ceilings = Ceilings(50e9, (Bandwidth(1 << 18, 100e9), Bandwidth(1 << 28, 12.5e9)), noisy=True)
    monkeypatch.setattr(probe, "ceilings", lambda: ceilings)


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["featherlight", "doctor", *arguments])
    with pytest.raises(SystemExit) as exit:
        main()
    assert not exit.value.code
    return capsys.readouterr().out


def test_a_table_for_a_person(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    out = run(monkeypatch, capsys)
    assert this_machine().cpu in out
    assert "12.5 GB/s on one thread (measured on a busy machine: too low)" in out
    assert [line.split()[0] for line in out.splitlines() if line][::2][:2] == ["what", "CPU"]


def test_a_document_for_a_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(run(monkeypatch, capsys, "--json"))["ceilings"]["multiply_adds_per_second"] == 50e9
    assert json.loads(run(monkeypatch, capsys, "--quick", "--json"))["ceilings"] is None
