"""docs/networks/ says what the code says: drawings, tables and counts are those that its scripts make."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from featherlight.cost import count
from featherlight.graph import from_spec
from featherlight.layers import Network
from featherlight.models import counts, entry, list_models
from featherlight.models.squeezenet import squeezenet
from featherlight.spec import Convolution, DepthwiseSeparable

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "networks"


@pytest.fixture(autouse=True)
def scripts_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))


def script(name: str) -> Any:
    return import_module(name)


def test_every_family_has_a_page_and_a_drawing_that_the_page_shows() -> None:
    writer = script("write_networks")
    families = {entry(name).family for name in list_models()}
    assert set(writer.CHIEF) == families
    for family in families:
        text = (PAGES / f"{family}.md").read_text("utf-8")
        shown = re.findall(r"!\[[^\]]+\]\((\w+)\.svg\)", text)
        assert shown
        assert set(shown) <= set(writer.DRAWINGS)
        assert set(re.findall(r"write_networks.py: (\w+)", text)) >= {"formula", "variants", "guidelines", "measured"}


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.md")), ids=lambda path: path.stem)
def test_the_made_parts_are_up_to_date(path: Path) -> None:
    page = path.read_text("utf-8")
    assert script("write_networks").with_tables(page, path.stem) == page, "run `make tables`"


def test_the_drawings_are_up_to_date_and_are_drawings() -> None:
    writer = script("write_networks")
    for name, (_, _, title) in writer.DRAWINGS.items():
        text = (PAGES / f"{name}.svg").read_text("utf-8")
        assert writer.drawing(name) == text, "run `make tables`"
        root = ElementTree.fromstring(text)
        assert root.findtext("{http://www.w3.org/2000/svg}title") == title
    assert {path.stem for path in PAGES.glob("*.svg")} == set(writer.DRAWINGS)


def test_a_drawing_holds_every_operation_of_its_block_inside_its_edges() -> None:
    root = ElementTree.fromstring((PAGES / "shufflenet_v2_stride_2.svg").read_text("utf-8"))
    boxes = root.findall("{http://www.w3.org/2000/svg}rect")
    assert len(boxes) == 10  # two branches of three and five, concatenate, shuffle
    wide, high = float(root.attrib["width"]), float(root.attrib["height"])
    for box in boxes:
        x, y, width, height = (float(box.attrib[key]) for key in ("x", "y", "width", "height"))
        assert 0 <= x <= x + width <= wide
        assert 0 <= y <= y + height <= high
    corners = {(box.attrib["x"], box.attrib["y"]) for box in boxes}
    assert len(corners) == len(boxes)


def test_the_facts_are_those_of_the_registry_and_of_a_graph_traced_now() -> None:
    facts = json.loads((PAGES / "facts.json").read_text("utf-8"))
    assert set(facts) == set(list_models())
    for name, fact in facts.items():
        assert (fact["parameters"], fact["multiply_adds"]) == (counts(name).parameters, counts(name).multiply_adds)
    assert script("write_network_facts").facts("squeezenet_1_1") == facts["squeezenet_1_1"]


def test_what_a_formula_says_of_a_whole_network_is_what_the_network_has() -> None:
    light = entry("mobilenet_v1").build()
    heavy = tuple(
        Convolution(row.channels, 3, stride=row.stride) if isinstance(row, DepthwiseSeparable) else row
        for row in light.rows
    )
    work = count(from_spec(replace(light, rows=heavy))).multiply_adds
    assert f"{work:,} multiply-adds" in script("network_formulas").mobilenet_v1()[-1]
    for ratio in (0.125, 0.75):
        network = Network(squeezenet(squeeze_ratio=ratio))
        weights = sum(weight.numel() for weight in network.parameters() if weight.dim() == 4)
        assert f"{ratio:g} {4 * weights / 1e6:.1f} MB" in script("network_formulas").squeezenet()[-1]


@pytest.mark.parametrize(
    ("difference", "word"), [(0.03, "higher"), (-0.03, "lower"), (0.019, "cannot be told"), (-0.019, "cannot be told")]
)
def test_a_difference_is_told_from_two_standard_errors_on(difference: float, word: str) -> None:
    assert script("write_networks").seen(difference, 0.01) == word


def test_the_noise_of_seeds_is_pooled_over_variants() -> None:
    rows = [{"test": [0.80, 0.82]}, {"test": [0.90, 0.90]}, {"test": [0.5]}]
    assert script("write_networks").seed_noise(rows) == pytest.approx(0.01)
