"""The four experiments: their shapes by the paper's own claims, and a quick run."""

from __future__ import annotations

import json

import pytest

from featherlight.cost import Cost, count
from featherlight.errors import BadInput
from featherlight.explain import EXPERIMENTS, Experiment, Study, run
from featherlight.explain.paper_tables import GPU_EXPERIMENTS
from featherlight.graph import from_torch


@pytest.fixture(scope="module")
def study() -> Study:
    return run(["onnxruntime"], quick=True)


def costs(experiment: Experiment, blocks: int = 1) -> list[Cost]:
    shapes = [(variant.build(blocks).eval(), (1, variant.channels, 56, 56)) for variant in experiment.variants]
    return [count(from_torch(module, shape)) for module, shape in shapes]


@pytest.mark.parametrize("experiment", EXPERIMENTS + GPU_EXPERIMENTS, ids=lambda each: each.guideline)
def test_variants_have_equal_multiply_adds_and_differ_in_what_the_guideline_is_about(experiment: Experiment) -> None:
    counted = costs(experiment)
    multiply_adds = [cost.multiply_adds for cost in counted]
    assert max(multiply_adds) / min(multiply_adds) < 1.07  # the paper's channels are whole numbers
    access = [cost.memory_access for cost in counted]
    assert access == sorted(access)
    if experiment.guideline != "G3" and experiment != GPU_EXPERIMENTS[3]:
        speeds = [variant.paper for variant in experiment.variants]
        assert speeds == sorted(speeds, reverse=True)


def test_ten_blocks_are_ten_times_one() -> None:
    for one, ten in zip(costs(EXPERIMENTS[2]), costs(EXPERIMENTS[2], 10), strict=True):
        assert (ten.multiply_adds, ten.parameters) == (10 * one.multiply_adds, 10 * one.parameters)


def test_a_quick_run_measures_every_line(study: Study) -> None:
    assert [outcome.guideline for outcome in study.outcomes] == ["G1", "G2", "G3", "G4"]
    for outcome, experiment in zip(study.outcomes, EXPERIMENTS, strict=True):
        assert [line.name for line in outcome.lines] == [variant.name for variant in experiment.variants]
        assert all(line.times["onnxruntime"].median > 0 for line in outcome.lines)
        assert outcome.orders["onnxruntime"].verdict in ("agrees", "agrees in part", "cannot tell", "disagrees")


def test_its_json_names_machine_column_and_order(study: Study) -> None:
    document = json.loads(json.dumps(study.to_json(), allow_nan=False))
    assert document["paper_column"] == "ARM (Snapdragon 810), x1, images a second"
    assert document["machine"]["cpu"]
    assert document["quick"] is True
    first = document["experiments"][0]
    assert first["networks"][0]["paper_images_per_second"] == 76.2
    assert first["networks"][0]["engines"]["onnxruntime"]["median"] > 0
    assert set(first["order"]["onnxruntime"]) == {"verdict", "same", "reverse", "tie"}


def test_figure_2_is_split_for_each_network(study: Study) -> None:
    splits = study.to_json()["figure_2"]["splits"]
    assert [split["network"] for split in splits] == ["shufflenet_v1_g3", "mobilenet_v2", "shufflenet_v2"]
    for split in splits:
        assert sum(split["shares"].values()) == pytest.approx(1)
        assert split["shares"]["convolution"] > 0.2
        assert (split["shares"]["shuffle"] > 0) == split["network"].startswith("shufflenet")
    assert [bool(split["verdict"]) for split in splits] == [True, True, False]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"device": "tpu"}, "device must be one of cpu, cuda; got 'tpu'"),
        ({"device": "cuda", "engines": ["openvino"]}, "device cuda and the engine torch-cuda need one another"),
        ({"engines": ["torch-cuda"]}, "device cuda and the engine torch-cuda need one another"),
        ({"threads": 0}, "threads must be a whole number above 0; got 0"),
        ({"engines": ["onnxruntim"]}, "engine must be a known name; got 'onnxruntim'"),
    ],
)
def test_bad_input_is_told_before_anything_is_built(arguments: dict[str, object], sentence: str) -> None:
    told: list[str] = []
    with pytest.raises(BadInput, match=sentence):
        run(**arguments, progress=told.append)  # type: ignore[arg-type]
    assert told == []
