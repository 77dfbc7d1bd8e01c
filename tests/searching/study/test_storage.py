"""Where studies lie: what a crash leaves there, and what is none."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from optuna.exceptions import StorageInternalError

from featherlight.errors import BadInput, DiskFull, Failure
from featherlight.searching.study import join_study, work
from featherlight.searching.study.storage import answering, open_storage, shown
from small_search import begin, search

PASSWORD = "postgresql://me:secret@127.0.0.1:1/search"


def test_a_line_that_was_cut_short_spoils_no_other(tmp_path: Path) -> None:
    url = str(tmp_path / "study.journal")
    begin(url, tmp_path)
    running = join_study(url)  # a worker that is there meanwhile
    with Path(url).open("ab") as file:
        file.write(b'{"op_code":4,"worker_')
    assert len(running.trials) == 0
    work(join_study(url), search(), trials=3, judge=lambda spec, reached: 0.5)
    assert len(running.trials) == len(join_study(url).trials) >= 3


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = str(tmp_path / "study.journal")
    begin(url, tmp_path)
    before = Path(url).read_bytes()
    study = join_study(url)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DiskFull, match="disk is full"):
            work(study, search(), trials=3, judge=lambda spec, reached: 0.5)
    assert Path(url).read_bytes() == before
    work(study, search(), trials=3, judge=lambda spec, reached: 0.5)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://localhost/x", "must be the path of a journal"),
        ("nowhere.journal", "there is no study at nowhere.journal; .*--budget 1ms --out DIR --study nowhere.journal`"),
        ("sqlite:///nowhere.db", "there is no study at sqlite:///nowhere.db"),
        (PASSWORD, "cannot be opened"),
    ],
)
def test_what_is_no_study(url: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence) as caught:
        open_storage(url, new=False)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["no journal\n", "[1, 2]\n", '{"op_code":1}\n{"a\n{}\n'])
def test_another_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "study.journal"
    path.write_text(text)
    with pytest.raises(BadInput, match="not the journal of a study"):
        open_storage(str(path), new=False)


def test_a_password_is_not_shown() -> None:
    assert shown(PASSWORD) == "postgresql://me@127.0.0.1:1/search"
    assert shown("sqlite:///a.db") == "sqlite:///a.db"
    with pytest.raises(Failure, match="postgresql://me@127") as caught, answering(PASSWORD):
        raise StorageInternalError("gone")
    assert "secret" not in str(caught.value)
