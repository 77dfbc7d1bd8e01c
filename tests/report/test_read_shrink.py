from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

import small_shrink
from featherlight.report.read_result import read_result
from featherlight.report.result import Result
from featherlight.shrinking import shrink
from featherlight.shrinking.asked import Method


@pytest.fixture(scope="module")
def shrunk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a shrink left, by a made-up latency table."""
    home = tmp_path_factory.mktemp("shrink")
    trained, photos = small_shrink.network(home / "trained"), small_shrink.photographs(home / "photos")
    table = small_shrink.table(home / "pi.json")
    shrink(trained, photos, out=home / "shrunk", faster="20%", target=table, images=400, seed=3)
    return home / "shrunk"


def read(folder: Path) -> Result:
    result = read_result(folder)
    assert result is not None
    return result


def document_of(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "shrink.json").read_bytes())
    return document


def written(document: dict[str, Any], folder: Path) -> Path:
    (folder / "shrink.json").write_text(json.dumps(document))
    return folder


def test_the_network_stands_beside_the_one_it_came_from(shrunk: Path) -> None:
    document, result = document_of(shrunk), read(shrunk)
    before, after = result.marks
    assert (before.median, after.median) == (document["before"]["median"], document["after"]["median"])
    assert (before.accuracy, after.accuracy) == (document["test_accuracy_before"], document["test_accuracy"])
    assert (before.verdict, after.verdict) == ("too slow", "fits")
    assert (before.chosen, after.chosen) == (False, True)
    assert {before.label, after.label} == {document["predicted"]}
    assert result.title == f"Shrunk from {shrunk.parent / 'trained'}"
    assert result.limit == "wanted"
    assert result.budget == pytest.approx(document["before"]["median"] / 1.2)
    assert (result.engine, result.threads) == (document["on"]["engine"], document["on"]["threads"])
    assert result.seed == 3


def test_every_iteration_and_every_cut_is_a_line(shrunk: Path) -> None:
    document = document_of(shrunk)
    beside, iterations, cut = read(shrunk).tables
    assert [row["figure"] for row in beside.rows] == [
        *("time for one image", "90th percentile", "right on test images", "multiply-adds", "parameters"),
    ]
    assert [row["kept"] for row in iterations.rows] == [step["kept"] for step in document["steps"]]
    assert [row["iteration"] for row in iterations.rows] == list(range(1, len(document["steps"]) + 1))
    thinner = [width for width in document["widths"] if width["after"] < width["before"]]
    assert thinner
    assert list(cut.rows) == thinner
    assert f"{len(thinner)} of its {len(document['widths'])} widths were cut" in read(shrunk).lead


def test_a_measured_ratio_has_its_interval(shrunk: Path, tmp_path: Path) -> None:
    assert read(shrunk).facts[2].note == "1.20 wanted: kept"  # a prediction has none
    document = document_of(shrunk) | {
        "predicted": "",
        "faster": 1.25,
        "ratio": {"ratio": 0.8, "low": 0.75, "high": 0.85},
        "verdict": "undecided",
    }
    document["difference"] = {"mean": -0.01, "low": -0.03, "high": 0.012}
    document |= {"test_accuracy_before": 0.9, "test_accuracy": 0.89}
    right, _, faster = read(written(document, tmp_path)).facts
    assert (faster.value, faster.note) == (
        "1.25", "1.20 wanted: the noise is larger than the gap; 95 % within 1.18 to 1.33"
    )  # fmt: skip
    assert (right.value, right.note) == ("89.0 %", "before: 90.0 %; -1.0 points (95 % within -3.0 to +1.2)")


@pytest.mark.parametrize("method", get_args(Method))
def test_every_method_is_told_of(shrunk: Path, tmp_path: Path, method: str) -> None:
    document = document_of(shrunk) | {"method": method}
    document |= {} if method == "netadapt" else {"steps": []}
    result = read(written(document, tmp_path))
    told = {"netadapt": "NetAdapt", "uniform": "a width multiplier", "magnitude": "dropping the smallest filters"}
    assert f"times as fast by {told[method]}:" in result.lead
    assert ("What NetAdapt kept" in [table.title for table in result.tables]) == (method == "netadapt")


def test_the_command_is_that_of_the_journal(shrunk: Path, tmp_path: Path) -> None:
    (command,) = read(shrunk).commands
    photos = shrunk.parent / "photos"
    assert command == (
        f"featherlight shrink {shrunk.parent / 'trained'} {photos} --method netadapt --faster 20% --images 400 "
        f"--threads 1 --seed 3 --target TABLE.json --out {shrunk}"
    )
    asked = {"event": "start", "source": "result", "budget": 0.0015, "choice": "accuracy", "engine": "openvino"}
    (tmp_path / "shrink.jsonl").write_text(json.dumps(asked) + "\n")
    (command,) = read(written(document_of(shrunk) | {"predicted": ""}, tmp_path)).commands
    assert command == (
        f"featherlight shrink result {photos} --method netadapt --budget 1.5ms --choice accuracy --engine openvino "
        f"--out {tmp_path}"
    )


def test_without_its_journal_it_is_still_told(shrunk: Path, tmp_path: Path) -> None:
    result = read(written(document_of(shrunk), tmp_path))
    assert (result.title, result.seed) == ("Shrunk", 0)
    assert "featherlight shrink DIR " in result.commands[0]
    assert "--faster 0.200" in result.commands[0]
