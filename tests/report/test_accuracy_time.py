from __future__ import annotations

from pathlib import Path

from PIL import Image

from featherlight.report import Point, draw

POINTS = (
    Point("a 1x", "a", 2e-4, 1.9e-4, 2.2e-4, accuracy=0.91, chosen=True),
    Point("b 0.5x", "b", 1e-4, 0.9e-4, 1.2e-4, accuracy=0.88),
    Point("b 1x", "b", 9e-4, 8e-4, 1e-3),
)


def test_it_draws_a_picture_of_the_stated_size(tmp_path: Path) -> None:
    draw(POINTS, 4e-4, tmp_path / "picture.png", title="Fashion", accuracy="validation accuracy, %")
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.format == "PNG"
        assert picture.size == (1170, 780)
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 50  # something is on it


def test_each_point_changes_the_picture(tmp_path: Path) -> None:
    for number in range(1, 4):
        draw(POINTS[:number], 4e-4, tmp_path / f"{number}.png", title="", accuracy="")
    pictures = {(tmp_path / f"{number}.png").read_bytes() for number in range(1, 4)}
    assert len(pictures) == 3
