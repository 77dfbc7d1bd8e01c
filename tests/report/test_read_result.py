from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from featherlight.errors import BadInput
from featherlight.report.contents import columns
from featherlight.report.read_result import READERS, read_result

FIT = Path(__file__).parents[1] / "fixtures" / "fit.json"
TRAIN: dict[str, Any] = {
    "finished": True,
    "asked": {
        **{"model": "mobilenet_v2", "arguments": {"width": 0.5}, "data": "my photos", "recipe": "fine-tune"},
        **{"batch": None, "changes": ["mixup=0.2"], "minutes": 10.0, "scratch": True, "seed": 3},
    },
    **{"data": "my photos", "seed": 3, "images": 64_000, "seconds": 600.0},
    **{"validation_accuracy": 0.8, "test_accuracy": 0.75},
}


def test_a_fit_tells_of_every_candidate(tmp_path: Path) -> None:
    document = json.loads(FIT.read_bytes())
    (tmp_path / "fit.json").write_bytes(FIT.read_bytes())
    result = read_result(tmp_path)
    assert result is not None
    assert result.title == document["network"]
    assert [mark.name for mark in result.marks] == [row["name"] for row in document["candidates"]]
    (chosen,) = (mark for mark in result.marks if mark.chosen)
    assert (chosen.name, chosen.accuracy, chosen.of) == (document["network"], 0.897, "of the validation images")
    heats = [mark for mark in result.marks if mark.accuracy is not None and not mark.final]
    assert heats
    assert all(mark.of == "of the validation images, after a short heat" for mark in heats)
    assert (result.engine, result.threads, result.budget) == ("onnxruntime", 1, 1e-3)
    assert [fact.value for fact in result.facts] == ["90.0 %", "0.628 ms", "1 ms", "4.17 MB"]


def test_the_command_is_that_of_the_journal(tmp_path: Path) -> None:
    (tmp_path / "fit.json").write_bytes(FIT.read_bytes())
    start = {"event": "start", "data": "fashion-mnist", "threads": 2, "size": None, "minutes": 0.5, "seed": 7}
    start |= {"engine": "openvino", "max_size": 500_000}
    (tmp_path / "journal.jsonl").write_text(json.dumps(start) + "\n{}\n")
    result = read_result(tmp_path)
    assert result is not None
    assert result.commands == (
        "featherlight fit fashion-mnist --budget 1ms --threads 2 --minutes 0.5 --seed 7 --max-size 500000B "
        f"--engine openvino --out {tmp_path}",
    )


def test_predicted_times_are_called_so(tmp_path: Path) -> None:
    document = json.loads(FIT.read_bytes()) | {"times": "predicted for Raspberry Pi 4"}
    (tmp_path / "fit.json").write_text(json.dumps(document))
    result = read_result(tmp_path)
    assert result is not None
    assert result.lead.startswith("Of 30 networks, predicted for Raspberry Pi 4, the one that ")
    assert {mark.label for mark in result.marks} == {"predicted for Raspberry Pi 4"}
    assert result.facts[1].note.startswith("predicted for Raspberry Pi 4: 0.602 ms to ")
    assert "--target TABLE.json" in result.commands[0]


def test_the_stages_of_a_fit_stand_beside_its_candidates(tmp_path: Path) -> None:
    document = json.loads(FIT.read_bytes())
    first, found = document["network"], "found in the space light at 28"
    time = {**document["time"], "engine": "onnxruntime", "threads": 1}
    common = {"kept": True, "note": "", "seconds": 60.0, "time": time, "verdict": "fits", "test_accuracy": 0.9}
    document |= {"network": found, "effort": "thorough", "stages": [
        {**common, "name": "choose", "network": first, "architecture": "mobilenet_v3_small",
         "validation_accuracy": 0.897, "table": []},
        {"name": "shrink", "kept": False, "note": "nothing to cut", "seconds": 0.0, "network": None},
        {**common, "name": "search", "network": found, "architecture": "", "validation_accuracy": 0.91,
         "table": [{"kind": "Fire", "squeeze": 8}, {"kind": "Pool"}]},
    ]}  # fmt: skip
    (tmp_path / "fit.json").write_text(json.dumps(document))
    (tmp_path / "journal.jsonl").write_text(json.dumps({"event": "start", "effort": "thorough"}) + "\n")
    result = read_result(tmp_path)
    assert result is not None
    assert result.title == found
    finals = [(mark.name, mark.family, mark.chosen, mark.of) for mark in result.marks if mark.final]
    assert finals == [
        (first, "mobilenet_v3", False, "of the validation images"), (found, "other", True, "of the validation images")
    ]  # fmt: skip
    assert [(step.name, step.network, step.validation_accuracy) for step in result.steps] == [
        ("choose", first, 0.897), ("shrink", "", None), ("search", found, 0.91)
    ]  # fmt: skip
    assert columns(result.steps[2].table) == ["kind", "squeeze"]
    assert "and then what 2 more stages made of it" in result.lead
    assert "--effort thorough" in result.commands[0]


def test_a_training_run_is_read(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text(json.dumps(TRAIN))
    result = read_result(tmp_path)
    assert result is not None
    assert (result.title, result.accuracy, result.seed, result.marks) == ("mobilenet_v2 width 0.5", 0.8, 3, ())
    assert [fact.value for fact in result.facts] == ["75.0 %", "600 s"]
    assert result.commands == (
        "featherlight train mobilenet_v2 'my photos' --width 0.5 --recipe fine-tune --minutes 10.0 --seed 3 "
        f"--set mixup=0.2 --scratch --out {tmp_path}",
    )


def test_a_run_that_did_not_end_says_so(tmp_path: Path) -> None:
    unfinished = {key: TRAIN[key] for key in ("asked", "data", "seed")} | {"finished": False}
    (tmp_path / "train.json").write_text(json.dumps(unfinished))
    result = read_result(tmp_path)
    assert result is not None
    assert (result.lead, result.accuracy) == ("A run on my photos that did not end.", None)


@pytest.mark.parametrize(("job", "journal"), [("fit", "journal.jsonl"), ("search", "search.jsonl"),
                                              ("shrink", "shrink.jsonl")])  # fmt: skip
def test_a_job_that_did_not_end_is_called_so(job: str, journal: str, tmp_path: Path) -> None:
    (tmp_path / journal).write_text('{"event": "start"}\n')
    (tmp_path / "config.json").write_text("{}")  # the network is saved before the result is written
    goes_on = (
        rf"{tmp_path} holds a {job} that did not end, and no result yet; the same `featherlight {job}` with --resume"
    )
    with pytest.raises(BadInput, match=goes_on):
        read_result(tmp_path)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"network": 3}', b"\xff", b'{"finished": true, "asked": []}'])
@pytest.mark.parametrize("name", READERS)
def test_a_damaged_result_is_refused_in_a_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=f"{name} is damaged"):
        read_result(tmp_path)


def test_other_folders_hold_no_result(tmp_path: Path) -> None:
    assert read_result(tmp_path) is None
