"""Files of few, more and many convolutions compared; which networks words name is test_contestants' business."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from featherlight.errors import BadInput
from featherlight.explain import comparison
from featherlight.explain.comparison import Standings, compare
from rivals import write_convolutions

SIZES = {"few": 1, "more": 12, "many": 100}
MULTIPLY_ADDS = 48 * 48 * 3 * 3 * 9  # of one convolution

# As timm's benchmark.py has them, so that its tables and ours can be joined.
TIMMS = ("model", "infer_samples_per_sec", "infer_step_time", "infer_batch_size", "infer_img_size", "infer_gmacs")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("networks")
    return [str(write_convolutions(folder / f"{name}.onnx", size).path) for name, size in SIZES.items()]


@pytest.fixture(scope="module")
def standings(files: list[str]) -> Standings:
    return compare([*files[::-1], files[0]], engines=["onnxruntime"] * 2, rounds=7)  # a file and the engine twice


def test_the_quickest_comes_first(standings: Standings) -> None:
    assert [Path(line.network.name).stem for line in standings.lines] == ["few", "more", "many"]
    assert standings.lines[0].than_quicker is None
    for quick, slow in zip(standings.lines, standings.lines[1:], strict=False):
        assert slow.than_quicker is not None
        assert slow.than_quicker.ratio > 1
        assert len(quick.timed.rounds) == len(slow.timed.rounds) == 7


def test_each_has_its_counts(standings: Standings) -> None:
    counts = [line.counts for line in standings.lines]
    assert [each and each.multiply_adds for each in counts] == [size * MULTIPLY_ADDS for size in SIZES.values()]
    assert [each and each.parameters for each in counts] == [81] * 3  # they share their weight


def test_counts_are_held_against_the_times(standings: Standings) -> None:
    (correlations,) = standings.rank_correlations().values()
    assert correlations["multiply_adds"] == pytest.approx(1)
    assert correlations["activations"] == pytest.approx(1)
    assert correlations["parameters"] is None  # the same for all


def test_records_begin_with_timms_columns_in_their_units(standings: Standings) -> None:
    document = standings.to_json()
    json.dumps(document, allow_nan=False)
    record = document["results"][1]
    assert tuple(record)[: len(TIMMS)] == TIMMS
    assert record["infer_samples_per_sec"] * record["infer_step_time"] == pytest.approx(1000)
    assert record["infer_step_time"] == pytest.approx(1e3 * standings.lines[1].timed.measurement.median)
    assert (record["infer_img_size"], record["infer_batch_size"]) == (48, 1)
    assert record["infer_gmacs"] == pytest.approx(12 * MULTIPLY_ADDS / 1e9)
    assert record["infer_macts"] == pytest.approx(12 * 48 * 48 * 3 / 1e6)
    assert record["step_time_low"] <= record["infer_step_time"] <= record["step_time_high"]
    assert (record["top1"], record["paper"], record["width"]) == (None, None, None)


def test_few_rounds_are_json_all_the_same(files: list[str]) -> None:
    short = compare(files[:2], engines=["onnxruntime"], rounds=2)
    record = short.to_json()["results"][1]
    assert (record["told_apart"], record["than_quicker_high"], record["step_time_low"]) == (False, None, None)
    json.dumps(short.to_json(), allow_nan=False)


def test_many_processes_are_announced(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    compare(files[:2], engines=["onnxruntime"], rounds=1, say=said.append)
    assert said == []
    monkeypatch.setattr(comparison, "MANY", 1)
    compare(files[:2], engines=["onnxruntime"], rounds=1, say=said.append)
    assert said == ["starting 2 processes, which take some 0.3 GB of memory"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"engines": ["openvinno"]}, r"^engine must be a known name; got 'openvinno' \(nearest: openvino"),
        ({"engines": ["torch"]}, r"^\S+few\.onnx on torch: the engine torch runs torch modules"),
        ({"seconds": math.nan}, r"^seconds must be a number above 0"),
        ({"threads": 0}, r"^threads must be a whole number above 0"),
        ({"width": 0.5}, r"^width must be left out for \S+few\.onnx: only registered networks have one$"),
        ({"size": 224}, r"^\S+few\.onnx takes images of 48x48; got size 224$"),
        ({"size": 0}, r"^size must be a whole number above 0"),
    ],
)
def test_what_cannot_be_compared_is_refused(files: list[str], wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        compare(files[:1], **wrong)  # type: ignore[arg-type]
