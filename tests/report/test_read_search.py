from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import search_given
import small_shrink
from featherlight.errors import BadInput
from featherlight.report import read_search
from featherlight.report.gather import gather
from featherlight.report.read_result import read_result
from featherlight.report.result import Result
from featherlight.searching import SPACES, finals
from featherlight.searching.job import search

BUDGET = 2e-3


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a search left, by a made-up latency table."""
    home = tmp_path_factory.mktemp("search")
    table = search_given.table(home / "pi.json", search_given.space(home / "small.py"))
    photos = small_shrink.photographs(home / "photos")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finals, "images_per_second", lambda *_, **__: 300.0)
        patch.setattr(finals, "fastest_threads", lambda *_, **__: 1)
        search(
            photos,
            BUDGET,
            out=home / "found",
            space=str(home / "small.py"),
            method="random",
            minutes=0.02,
            trials=8,
            size=32,
            target=table,
            seed=3,
        )
    return home / "found"


def read(folder: Path) -> Result:
    result = read_result(folder)
    assert result is not None
    return result


def document_of(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "search.json").read_bytes())
    return document


def written(document: dict[str, Any], folder: Path) -> Path:
    (folder / "search.json").write_text(json.dumps(document))
    return folder


def test_the_front_the_finalists_and_the_winner_are_told(found: Path) -> None:
    document, result = document_of(found), read(found)
    kinds = {kind: [mark for mark in result.marks if mark.family == kind] for kind in {m.family for m in result.marks}}
    front = kinds[read_search.FRONT]
    assert [(mark.median, mark.accuracy) for mark in front] == [
        (each["seconds"], each["accuracy"]) for each in document["front"]
    ]
    assert all(mark.joined and not mark.final and not mark.spread for mark in front)
    assert len(kinds[read_search.FINALIST]) == len(document["finalists"])
    (winner,) = kinds[read_search.FOUND]
    assert (winner.accuracy, winner.p90) == (document["validation_accuracy"], document["time"]["p90"])
    assert winner.chosen
    assert [mark for mark in result.marks if mark.chosen or mark.final] == [winner]
    assert {mark.of.partition(",")[0] for mark in result.marks} == {"of the validation images"}
    assert (result.budget, result.limit, result.seed) == (BUDGET, "budget", 3)
    assert (result.engine, result.threads) == (document["on"]["engine"], document["on"]["threads"])


def test_predicted_times_are_called_so_and_measured_ones_are_not(found: Path, tmp_path: Path) -> None:
    document, predicted = document_of(found), read(found)
    label = document["predicted"]
    assert predicted.label == label
    assert {mark.label for mark in predicted.marks} == {label, f"the upper end of what is {label}"}
    measured = read(written(document | {"predicted": ""}, tmp_path))
    assert {mark.label for mark in measured.marks} == {"", "the predicted 90th percentile"}
    assert f"timed on {document['on']['machine']['cpu']}" in measured.lead


def test_the_architecture_is_a_table(found: Path) -> None:
    document, (architecture, front) = document_of(found), read(found).tables
    assert architecture.open
    assert list(architecture.rows) == document["table"]
    assert [row["network"] for row in front.rows] == [f"front {n + 1}" for n in range(len(document["front"]))]


def test_of_the_front_only_the_options_that_differ_are_shown(found: Path, tmp_path: Path) -> None:
    document = document_of(found)
    one = document["front"][0] | {"options": {"stem.channels": 8, "hidden": 0}}
    other = one | {"options": {"stem.channels": 16, "hidden": 0}}
    _, front = read(written(document | {"front": [one, other]}, tmp_path)).tables
    assert [row["stem.channels"] for row in front.rows] == [8, 16]
    assert "hidden" not in front.rows[0]


def test_a_network_over_the_budget_is_too_slow(found: Path, tmp_path: Path) -> None:
    document = document_of(found)
    result = read(written(document | {"budget": document["time"]["p90"] / 2, "verdict": "too slow"}, tmp_path))
    assert next(mark.verdict for mark in result.marks if mark.chosen) == "too slow"
    assert next(fact.note for fact in result.facts if fact.label == "Budget") == "not kept"


def test_the_command_is_that_of_the_journal(found: Path, tmp_path: Path) -> None:
    document = document_of(found)
    (command,) = read(found).commands
    assert command == (
        f"featherlight search {document['data']} --budget 2ms --space SPACE.py --method random --minutes 0.02 "
        f"--trials 8 --size 32 --threads 1 --seed 3 --target TABLE.json --out {found}"
    )
    ours = document | {"space": document["space"] | {"name": "light"}, "predicted": "", "data": "photos"}
    (command,) = read(written(ours, tmp_path)).commands  # no journal stands beside it
    assert command == f"featherlight search photos --budget 2ms --space light --method random --seed 3 --out {tmp_path}"


def test_the_spaces_by_name_are_those_of_the_search() -> None:
    assert set(read_search.SPACES) == set(SPACES)


@pytest.mark.parametrize("method", ["evolution", "tpe", "random", "supernet"])
def test_every_method_is_told_of(found: Path, tmp_path: Path, method: str) -> None:
    how = {"supernet": "with shared weights"}.get(method, "after a short training")
    assert f"judged {how}" in read(written(document_of(found) | {"method": method}, tmp_path)).lead


def test_the_folder_of_both_names_its_two_results(found: Path) -> None:
    with pytest.raises(BadInput, match=f"{found.parent} holds no result itself, but {found} does"):
        gather([found.parent])
