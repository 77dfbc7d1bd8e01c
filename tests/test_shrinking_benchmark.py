"""benchmarks/shrinking.py: what it answers follows from its rows."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def shrinking(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return import_module("shrinking")


def row(start: tuple[float, list[float]], uniform: tuple[float, list[float]]) -> dict[str, Any]:
    """A result of NetAdapt that many times as fast, and with these points and their interval above."""
    above = {
        name: {"faster": [faster, faster, faster], "points": points}
        for name, (faster, points) in {"start": start, "uniform 30%": uniform}.items()
    }
    return {"network": "net 1x", "seed": 0, "result": "netadapt 30%", "above": above}


@pytest.mark.parametrize(
    ("start", "uniform", "fast", "better"),
    [
        ((1.31, [-0.2, -0.5, 0.1]), (1.0, [1.1, 0.4, 1.8]), True, True),
        ((1.29, [2.0, 1.0, 3.0]), (0.96, [1.0, 0.4, 1.8]), False, True),  # as long, as far as can be told
        ((1.4, [-0.5, -0.9, -0.1]), (0.9, [3.0, 2.0, 4.0]), False, False),  # slower than uniform
        ((1.4, [0.5, 0.1, 0.9]), (1.25, [-0.1, -0.5, 0.3]), True, True),  # quicker, and no less accurate
        ((1.4, [0.5, 0.1, 0.9]), (1.25, [-0.6, -0.9, -0.3]), True, False),
    ],
)
def test_answers(
    shrinking: Any, start: tuple[float, list[float]], uniform: tuple[float, list[float]], fast: bool, better: bool
) -> None:
    [answer] = shrinking.answers([row(start, uniform), {"result": "start"}])
    assert (answer["as fast as asked"], answer["better than uniform"]) == (fast, better)
    assert answer["points above scratch"] is None


def test_only_what_has_ended_is_timed(shrinking: Any, tmp_path: Path) -> None:
    for name, file in (("start", "config.json"), ("trained on", ""), ("netadapt 30%", "config.json"),
                       ("uniform 30%", "shrink.json"), ("scratch 30%", "config.json"),
                       ("start.checkpoints", "plan.json")):  # fmt: skip
        (tmp_path / name).mkdir()
        if file:
            (tmp_path / name / file).write_text('{"faster": 1.3}')
    assert [path.name for path in shrinking.finished_in(tmp_path)] == ["scratch 30%", "start", "uniform 30%"]
    assert shrinking.finished_in(tmp_path / "nothing") == []


def test_the_measured_answers_are_of_the_measured_rows(shrinking: Any) -> None:
    document = json.loads((ROOT / "docs/measured/shrinking.json").read_text("utf-8"))
    assert document["answers"] == shrinking.answers(document["rows"])
