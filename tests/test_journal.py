from __future__ import annotations

from pathlib import Path

import pytest

from featherlight.errors import BadInput
from featherlight.journal import Journal


def test_events_come_back_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new" / "journal.jsonl")
    assert journal.read() == []
    journal.append("timed", name="a", seconds=0.5)
    journal.append("trained", accuracy=0.9)
    assert Journal(journal.path).read() == [
        {"event": "timed", "name": "a", "seconds": 0.5},
        {"event": "trained", "accuracy": 0.9},
    ]


@pytest.mark.parametrize("kept", range(1, 25))
def test_a_line_cut_short_loses_itself_alone(tmp_path: Path, kept: int) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("first")
    whole = journal.path.read_bytes()
    journal.append("second", value=1)
    journal.path.write_bytes(journal.path.read_bytes()[: len(whole) + kept])
    assert [event["event"] for event in journal.read()] == ["first"]
    journal.append("third")
    assert [event["event"] for event in journal.read()] == ["first", "third"]


def test_an_altered_line_is_named(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("first")
    journal.path.write_bytes(b"{broken}\n" + journal.path.read_bytes())
    with pytest.raises(BadInput, match=r"line 1 of .*journal\.jsonl is not JSON"):
        journal.read()


def test_what_is_not_a_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        Journal(tmp_path / "journal.jsonl").append("timed", seconds=float("nan"))
