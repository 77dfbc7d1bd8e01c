"""docs/python.md: every public name stands there, and what it shows runs."""

from __future__ import annotations

import inspect
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import featherlight as fl
from brightness import write_photos

PAGE = (Path(__file__).parents[1] / "docs/python.md").read_text("utf-8")
LONG = ("fit", "shrink", "search")  # of which the arguments are tried, and not the hours


def test_the_page_has_every_public_name_and_no_other() -> None:
    names = re.findall(r"^\| `fl\.(\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(names) == sorted(fl.__all__)
    for name in names:
        assert name == "__version__" or f"fl.{name}(" in PAGE, f"no example has {name}"


def test_the_page_has_every_keyword_of_create_model() -> None:
    keywords = set(inspect.signature(fl.create_model).parameters) - {"name", "arguments"}
    assert keywords <= set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))


def test_what_the_page_shows_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def bound(name: str) -> Any:
        signature = inspect.signature(getattr(fl, name))

        def ask(*given: Any, **named: Any) -> None:
            signature.bind(*given, **named)
            asked.append(name)

        return ask

    for name in LONG:
        monkeypatch.setattr(fl, name, bound(name))
    monkeypatch.chdir(tmp_path)
    photos = write_photos(tmp_path / "photos", {"cat": [*range(0, 100, 5)], "dog": [*range(150, 250, 5)]})
    shutil.copy(photos / "cat" / "0.png", tmp_path / "cat.png")
    shown: dict[str, Any] = {}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        exec(compile(block, "docs/python.md", "exec"), shown)
    assert asked == list(LONG)
