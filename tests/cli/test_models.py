from __future__ import annotations

import json
import sys

import pytest

from featherlight.cli import main
from featherlight.models import counts, list_models


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["featherlight", "models", *arguments])
    with pytest.raises(SystemExit) as exit:
        main()
    return int(exit.value.code or 0), *capsys.readouterr()


def test_the_table_has_a_line_a_network(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(monkeypatch, capsys)
    head, _, *lines = out.splitlines()
    assert (code, err) == (0, "")
    assert head.split() == ["name", "family", "paper", "parameters", "multiply-adds"]
    assert [line.split()[0] for line in lines] == list_models()


def test_json_holds_what_the_table_shows(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(monkeypatch, capsys, "mobilenet_v2", "--json")
    assert (code, err) == (0, "")
    (network,) = json.loads(out)
    assert network == {
        "name": "mobilenet_v2",
        "family": "mobilenet_v2",
        "paper": "Sandler et al. 2018, arXiv 1801.04381",
        "parameters": counts("mobilenet_v2").parameters,
        "multiply_adds": counts("mobilenet_v2").multiply_adds,
    }


def test_a_pattern_that_matches_nothing_answers_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(monkeypatch, capsys, "mobilnet_v2")
    assert (code, out) == (2, "")
    assert "mobilenet_v2" in err
    assert err.count("\n") == 1


def test_a_pattern_that_is_near_to_nothing_is_answered_with_no_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(monkeypatch, capsys, "nothing")
    assert (code, out) == (2, "")
    assert "'nothing' matches no network" in err
    assert "nearest" not in err
