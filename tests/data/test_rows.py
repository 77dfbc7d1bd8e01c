from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from featherlight.data.rows import Rows
from featherlight.errors import BadInput


def rows(home: Path, *cells: dict[str, Any] | None) -> Rows:
    """Rows over a list, which answers like a table of one column."""
    return Rows([{"image": cell} for cell in cells], np.arange(len(cells)), "pets/train", [str(home)])


def png(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (5, 4), colour).save(file, format="PNG")
    return file.getvalue()


def test_an_image_is_read_from_its_bytes_or_its_file(tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(png("red"))
    both = rows(tmp_path, {"bytes": png("red"), "path": None}, {"bytes": None, "path": str(tmp_path / "red.png")})
    assert [both.open(index, None).getpixel((0, 0)) for index in range(2)] == [(255, 0, 0)] * 2
    assert both.sizes().tolist() == [len(png("red"))] * 2
    assert both.digest(0) == both.digest(1) is not None
    assert both.name(1) == "pets/train/1"


def test_a_file_outside_of_the_data_set_is_not_touched(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "secret.png").write_bytes(png("red"))
    (home / "link.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "home-too").mkdir()
    (tmp_path / "home-too" / "a.png").write_bytes(png("red"))
    paths = [tmp_path / "secret.png", home / ".." / "secret.png", home / "link.png", tmp_path / "home-too" / "a.png"]
    outside = rows(home, *({"bytes": None, "path": path} for path in (*map(str, paths), "a\0b", "secret.png")))
    for index in range(len(outside)):
        with pytest.raises(BadInput, match=f"pets/train/{index}' has no image, or one outside of the data set"):
            outside.open(index, None)
        assert outside.digest(index) is None
    assert not outside.sizes().any()


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (None, "has no image"),
        ({"bytes": None, "path": None}, "has no image"),
        ({"bytes": b"", "path": None}, "is empty"),
        ({"bytes": b"%!PS-Adobe-3.0 EPSF-3.0\n", "path": None}, "is not an image of a known format"),
        ({"bytes": png("red")[:50], "path": None}, "is broken"),
    ],
)
def test_what_is_no_photo_is_refused_by_row(tmp_path: Path, cell: dict[str, Any] | None, words: str) -> None:
    with pytest.raises(BadInput, match=f"'pets/train/0' {words}"):
        rows(tmp_path, cell).open(0, None)
