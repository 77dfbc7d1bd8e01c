from __future__ import annotations

from pathlib import Path

import pytest

import hand_made_report as made
from featherlight.errors import BadInput
from featherlight.report import write


def test_a_fit_stands_where_its_page_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def gather(*_: object, **__: object) -> object:
        raise BadInput("no such network")

    monkeypatch.setattr(write, "gather", gather)
    said: list[str] = []
    write.add_to_fit(tmp_path, None, said.append)  # type: ignore[arg-type]
    assert said == ["the fit is whole, but its report.html could not be written: no such network"]


def test_the_page_stands_beside_a_fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(write, "gather", lambda sources, **_: made.report(made.chapter(str(sources[0]))))
    said: list[str] = []
    write.add_to_fit(tmp_path, None, said.append)  # type: ignore[arg-type]
    assert "mobilenet_v2 0.5x at 32" in (tmp_path / "report.html").read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
