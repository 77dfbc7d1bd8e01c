from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from featherlight.errors import BadInput, DiskFull, Failure
from featherlight.journal import Journal, keeping
from full_disk import no_room


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


def test_an_event_that_has_no_room_is_told_with_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(DiskFull, match=r"journal\.jsonl cannot be written: No space left on device; free some room$"):
        journal.append("first")


def test_a_job_on_a_full_disk_says_what_is_kept_once(tmp_path: Path) -> None:
    outer, inner = tmp_path / "outer", tmp_path / "outer" / "inner"
    kept = "what was finished is in {}, and --resume goes on from there"
    with pytest.raises(DiskFull) as told, keeping(outer):
        no_room()
    assert str(told.value) == (
        f"{outer} cannot be written: No space left on device; free some room; {kept.format(outer)}"
    )
    with pytest.raises(DiskFull) as told, keeping(outer), keeping(inner):
        no_room()
    assert str(told.value) == (
        f"{inner} cannot be written: No space left on device; free some room; {kept.format(outer)}"
    )


def test_a_job_whose_folder_takes_nothing_says_so_and_another_error_stays(tmp_path: Path) -> None:
    denied = "cannot be read or written: Permission denied; what was finished is in"
    with pytest.raises(Failure, match=denied), keeping(tmp_path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    with pytest.raises(BadInput, match=r"^no such thing$"), keeping(tmp_path):
        raise BadInput("no such thing")
