from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import NoReturn

import pytest

import search_given
import small_shrink
from featherlight.cli import main
from featherlight.searching import explore, finals


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["featherlight", "search", *arguments])
    with pytest.raises(SystemExit) as exit:
        main()
    return int(exit.value.code or 0), *capsys.readouterr()


def test_stopped_it_says_how_to_go_on_and_ended_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(finals, "images_per_second", lambda *_, **__: 300.0)
    monkeypatch.setattr(finals, "fastest_threads", lambda *_, **__: 1)
    monkeypatch.setattr(explore, "POOL", 12)
    monkeypatch.setattr(explore, "DRAWN", 4)
    monkeypatch.setattr(explore, "KEPT", 2)
    space, out = tmp_path / "small.py", tmp_path / "out"
    table = search_given.table(tmp_path / "pi.json", search_given.space(space))
    photos = small_shrink.photographs(tmp_path / "photos")
    asked = (str(photos), "--budget", "1.5ms", "--space", str(space), "--target", str(table), "--size", "32",
             "--minutes", "0.02", "--trials", "4", "--out", str(out))  # fmt: skip
    with monkeypatch.context() as stopping:
        stopping.setattr(finals, "train_network", stop)
        code, printed, said = run(monkeypatch, capsys, *asked, "--json")
    assert (code, printed) == (130, "")
    assert f"stopped; what was finished is in {out}, and --resume goes on from there" in said
    code, printed, said = run(monkeypatch, capsys, *asked, "--json", "--resume")
    assert code == 0, said
    assert json.loads(printed) == json.loads((out / "search.json").read_text())
    code, again, said = run(monkeypatch, capsys, *asked, "--json", "--resume")
    assert (code, again, said) == (0, printed, f"the search in {out} has ended already\n")
    code, printed, said = run(monkeypatch, capsys, *asked, "--trials", "5", "--resume")
    assert (code, printed) == (2, "")
    assert "was begun with something else: trials was 4 and is 5; give the same again" in said
    code, printed, said = run(monkeypatch, capsys, *asked)
    assert (code, printed) == (2, "")
    assert said == f"Error: {out} holds a result already (search.json); name another folder with --out\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--worker",), "--worker needs --study"),
        (
            ("--worker", "--study", "a.journal", "--budget", "1ms", "--then-shrink"),
            "--worker does what its study says, and takes nothing else; leave out --budget, --then-shrink",
        ),
        (("--budget", "1ms"), "a search needs --budget, such as 1ms, and --out, the folder to make"),
        (("--budget", "1.5", "--out", "found"), "budget must be a time above 0 such as 2ms"),
    ],
)
def test_what_is_missing_is_named(
    arguments: tuple[str, ...],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, printed, said = run(monkeypatch, capsys, "photos", *arguments)
    assert (code, printed) == (2, "")
    assert said.startswith(f"Error: {sentence}")
    assert not list(tmp_path.iterdir())


def stop(*_: object, **__: object) -> NoReturn:
    raise KeyboardInterrupt
