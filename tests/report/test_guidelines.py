from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PIL import Image

from featherlight.explain import Order, Study
from featherlight.explain.experiments import Line, Outcome
from featherlight.explain.time_split import PARTS, Split
from featherlight.report.guidelines import draw
from featherlight.timing import Target, summarise, this_machine


def study(slower: float, splits: bool = True) -> Study:
    times = [summarise(Target("torch", "2", 1, "f32", 1, this_machine()), [each]) for each in (1e-3, slower)]
    lines = tuple(
        Line(name, 10, 10, paper, {"torch": time})
        for name, paper, time in zip(("1:1", "1:2"), (76.2, 72.9), times, strict=True)
    )
    outcome = Outcome("G1", 1, "equal widths", lines, {"torch": Order((), (), ())})
    split = Split("mobilenet_v2", "torch", dict.fromkeys(PARTS, 1.0))
    return Study(this_machine(), "cpu", 1, False, (outcome,) * 4, (split,) if splits else ())


def test_it_draws_four_tables_and_the_split(tmp_path: Path) -> None:
    draw(study(2e-3), tmp_path / "all.png")
    draw(study(2e-3, splits=False), tmp_path / "tables.png")
    with Image.open(tmp_path / "all.png") as everything, Image.open(tmp_path / "tables.png") as tables:
        assert everything.format == "PNG"
        assert everything.height > tables.height


def test_another_time_is_another_picture(tmp_path: Path) -> None:
    for number, slower in enumerate((2e-3, 3e-3, 2e-3)):
        draw(study(slower), tmp_path / f"{number}.png")
    pictures = [(tmp_path / f"{number}.png").read_bytes() for number in range(3)]
    assert pictures[0] == pictures[2] != pictures[1]


def test_one_table_is_enough(tmp_path: Path) -> None:
    whole = study(2e-3)
    draw(replace(whole, outcomes=whole.outcomes[:1]), tmp_path / "one.png")
    assert (tmp_path / "one.png").stat().st_size > 5000
