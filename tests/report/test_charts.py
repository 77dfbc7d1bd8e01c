from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hand_made_report as made
from featherlight.report import charts


def leaves(node: dict[str, object]) -> list[dict[str, object]]:
    children = node.get("children", [])
    assert isinstance(children, list)
    return [leaf for child in children for leaf in leaves(child)] if children else [node]


@given(
    st.lists(st.tuples(st.sampled_from(["", "rows.0", "rows.1"]), st.floats(1e-7, 1e-2)), min_size=1), st.floats(-1, 1)
)
def test_the_parts_of_the_icicle_are_the_whole_time(steps: list[tuple[str, float]], remainder: float) -> None:
    rows = tuple(made.row(f"{block}.conv", "convolution 3x3", block, seconds) for block, seconds in steps)
    profile = replace(made.PROFILE, rows=rows, remainder=remainder)
    root = charts.icicle(profile, "net")["root"]
    parts = leaves(root)
    assert len(parts) == len(rows) + (remainder > 0)
    assert sum(float(str(part["seconds"])) for part in parts) == pytest.approx(root["seconds"])
    for block in root["children"]:
        assert sum(leaf["seconds"] for leaf in leaves(block)) == pytest.approx(block["seconds"])  # type: ignore[misc]


def test_an_operation_is_named_within_its_block() -> None:
    blocks = {block["name"]: block for block in charts.icicle(made.PROFILE, "net")["root"]["children"]}
    assert [leaf["name"] for leaf in blocks["rows.1"]["children"]] == [
        *("expand.conv", "depthwise.conv", "project.conv", "rows.1"),
    ]
    assert blocks["rows.1"]["children"][2]["lines"] == [
        "rows.1.project.conv",
        "pointwise convolution 1x1",
        "0.25 ms, 25.0 % of the time",
        "2.25 million multiply-adds, 8 kB moved",
        "at best 83.3 µs on this machine, limited by memory",
        "breaks G1, G3",
    ]
    assert blocks["in no operation"]["lines"][1] == "0.2 ms, 20.0 % of the time"


def test_the_legend_tells_what_kind_of_work_takes_the_time() -> None:
    assert [item["name"] for item in charts.icicle(made.PROFILE, "net")["legend"]] == [
        *("depthwise convolution 15 %", "pointwise convolution 45 %", "other convolution 10 %", "linear 5 %"),
        *("pooling, element-wise, layout 5 %", "in no operation 20 %"),
    ]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("depthwise convolution 3x3", "depthwise convolution"),
        ("pointwise convolution 1x1", "pointwise convolution"),
        ("Conv", "other convolution"),
        ("FullyConnected", "linear"),
        ("addition", "pooling, element-wise, layout"),
        ("", "pooling, element-wise, layout"),
    ],
)
def test_work_is_told_by_its_kind(kind: str, name: str) -> None:
    assert list(charts.WORKS)[charts.work(kind)] == name


def test_the_roofline_has_what_multiplies() -> None:
    chart = charts.roofline(made.PROFILE)
    assert chart is not None
    assert {point["name"] for point in chart["points"]} == {row.name for row in made.PROFILE.rows if row.multiply_adds}
    assert chart["points"][0]["rate"] == pytest.approx(9e9, rel=1e-3)
    assert chart["peak"]["label"] == "arithmetic: 50 billion multiply-adds a second"
    assert [line["label"] for line in chart["bandwidths"]] == ["up to 256 KiB: 90 GB/s", "up to 256 MiB: 11 GB/s"]
    assert charts.roofline(replace(made.PROFILE, ceilings=None)) is None


def test_points_name_where_they_come_from_among_several() -> None:
    alone = charts.accuracy_time([made.chapter()])
    assert alone["budgets"] == [{"seconds": 1e-3, "label": "budget 1 ms"}]
    assert [point["median"] for point in alone["points"]] == sorted(mark.median for mark in made.MARKS)
    assert alone["points"][1]["lines"] == [
        "shufflenet_v2 0.5x",
        "70.0 % of the validation images, after a short heat",
        "0.5 ms an image, 80 % within 0.475 ms to 0.55 ms",
        "onnxruntime, 1 thread; fits",
    ]
    predicted = replace(made.MARKS[1], label="predicted for Raspberry Pi 4")
    (point,) = charts.accuracy_time([replace(made.chapter(), marks=(predicted,))])["points"]
    assert point["lines"][2] == "0.5 ms an image, predicted for Raspberry Pi 4: 0.475 ms to 0.55 ms"
    several = charts.accuracy_time([made.chapter("first"), made.chapter("second")])
    assert {point["lines"][-1] for point in several["points"]} == {"first", "second"}
    assert len(several["budgets"]) == 1


def test_a_line_joins_the_front_of_a_search() -> None:
    names = ("front 1", "front 2")
    front = [replace(made.mark(name, "the front", at, 0.6 + at / 10), joined=True) for at, name in enumerate(names, 1)]
    alone = [replace(mark, p10=mark.median, p90=mark.median, label="the predicted 90th percentile") for mark in front]
    chart = charts.accuracy_time([replace(made.chapter(), marks=(*alone, *made.MARKS), limit="wanted")])
    (line,) = chart["lines"]
    assert line["points"] == [{"seconds": mark.median, "accuracy": mark.accuracy} for mark in front]
    assert chart["legend"][line["colour"]]["name"] == "the front"
    assert chart["budgets"][0]["label"] == "wanted 1 ms"
    told = next(point["lines"] for point in chart["points"] if point["name"] == "front 1")
    assert told[2] == "1 ms an image, the predicted 90th percentile"
    assert charts.accuracy_time([made.chapter()])["lines"] == []


def test_of_many_classes_those_that_are_mistaken_are_kept() -> None:
    labels = tuple(f"class {number}" for number in range(100))
    evaluation = made.evaluation(labels)
    evaluation.confusion[7, 50] = 9
    chart = charts.confusion(evaluation)
    assert len(chart["labels"]) == charts.CLASSES
    assert {"class 7", "class 50"} <= set(chart["labels"])
    row, column = chart["labels"].index("class 7"), chart["labels"].index("class 50")
    assert chart["rows"][row][column]["lines"] == ["class 7 taken for class 50", "9 of 13 images (69.2 %)"]


def test_a_class_without_images_has_no_share() -> None:
    evaluation = made.evaluation(("cat", "dog"))
    evaluation.confusion[0] = 0
    cell = charts.confusion(evaluation)["rows"][0][0]
    assert cell["lines"] == ["cat recognised", "0 of 0 images"]
    assert cell["share"] == 0
