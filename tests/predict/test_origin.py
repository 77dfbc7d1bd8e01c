from __future__ import annotations

from pathlib import Path

import pytest

from featherlight.predict.origin import Origin, find_origin


@pytest.mark.parametrize("name", ["fit.json", "train.json", "search.json", "shrink.json"])
def test_a_folder_that_a_job_made_says_on_what(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text('{"data": "photos", "seed": 3, "budget": 0.001}')
    assert find_origin(tmp_path) == Origin("photos", 3)


@pytest.mark.parametrize(
    "text", [None, "", "[]", "3", "{}", '{"data": 3, "seed": 0}', '{"data": "x", "seed": "0"}', "\xff"]
)
def test_where_nothing_is_said_none_is_found(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "fit.json").write_text(text, "latin-1")
    assert find_origin(tmp_path) is None
    assert find_origin(None) is None
