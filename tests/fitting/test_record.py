"""Finished work is read back, and another fit's journal refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from featherlight.errors import BadInput
from featherlight.journal import Journal, Record


def test_what_is_finished_is_not_done_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    done: list[str] = []

    def work(name: str) -> dict[str, float]:
        done.append(name)
        return {"median": 0.1 + len(done) / 3}

    first = Record(Journal(path)).once("timed", lambda: work("a"), name="a")
    again = Record(Journal(path))
    assert again.once("timed", lambda: work("a"), name="a") == first
    assert again.once("timed", lambda: work("b"), name="b")["median"] != first["median"]
    assert again.once("rate", lambda: work("a"), name="a")["event"] == "rate"
    assert done == ["a", "b", "a"]
    assert [event["event"] for event in Journal(path).read()] == ["timed", "timed", "rate"]


def test_a_key_is_found_by_all_its_fields(tmp_path: Path) -> None:
    record = Record(Journal(tmp_path / "journal.jsonl"))
    record.add("trained", name="a", rung=1, accuracy=0.5)
    assert record.find("trained", name="a", rung=2) is None
    assert record.find("trained", name="a") == {"event": "trained", "name": "a", "rung": 1, "accuracy": 0.5}


def test_work_that_fails_leaves_no_trace(tmp_path: Path) -> None:
    record = Record(Journal(tmp_path / "journal.jsonl"))
    with pytest.raises(ZeroDivisionError):
        record.once("timed", lambda: {"median": 1 / 0}, name="a")
    assert record.find("timed", name="a") is None


def test_a_record_goes_on_only_with_what_it_was_begun_with(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Record(Journal(path)).begin({"budget": 0.002, "size": None, "minutes": 3.0})
    Record(Journal(path)).begin({"budget": 0.002, "size": None, "minutes": 3.0})
    assert len(Journal(path).read()) == 1
    with pytest.raises(
        BadInput, match=r"with something else: minutes was 3\.0 and is 5\.0; size was None and is 96; give the"
    ):
        Record(Journal(path)).begin({"budget": 0.002, "minutes": 5.0, "size": 96})
