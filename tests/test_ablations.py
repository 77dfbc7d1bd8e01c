"""benchmarks/ablations.py: each comparison is of two networks that differ in what it is about and in nothing else."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from featherlight.spec import InvertedResidual, Residual, Spec, total_stride

ROOT = Path(__file__).parents[1]


@pytest.fixture
def ablations(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return import_module("ablations")


def test_each_comparison_is_of_two_different_networks_of_one_family(ablations: Any) -> None:
    for each in ablations.COMPARISONS:
        variants = ablations.FAMILIES[each.family]
        assert variants[each.one] != variants[each.other]
    compared = {(each.family, name) for each in ablations.COMPARISONS for name in (each.one, each.other)}
    assert compared == {(family, name) for family, variants in ablations.FAMILIES.items() for name in variants}


def test_the_networks_of_a_family_shrink_images_alike_and_have_as_many_rows(ablations: Any) -> None:
    for variants in ablations.FAMILIES.values():
        assert len({total_stride(each.spec) for each in variants.values()}) == 1
        assert len({len(each.spec.rows) for name, each in variants.items() if name != "v2's head"}) == 1


def test_relu_changes_activations_alone(ablations: Any) -> None:
    variants = ablations.FAMILIES["MobileNet v3-small 0.2x"]
    swish, relu = variants["as published"].spec, variants["ReLU"].spec
    assert relu != swish
    assert ablations.with_activation(swish, "relu") == ablations.with_activation(relu, "relu") == relu
    assert {row.activation for row in relu.rows} | {relu.head.activation} == {"relu"}


def test_no_gate_is_left_and_no_width_changed(ablations: Any) -> None:
    variants = ablations.FAMILIES["MobileNet v3-small 0.2x"]

    def blocks(spec: Spec) -> list[InvertedResidual]:
        return [row for row in spec.rows if isinstance(row, InvertedResidual)]

    gated, bare = blocks(variants["as published"].spec), blocks(variants["no squeeze-excite"].spec)
    assert any(row.squeeze_excite for row in gated)
    assert not any(row.squeeze_excite for row in bare)
    assert [(row.channels, row.expanded) for row in gated] == [(row.channels, row.expanded) for row in bare]


def test_resnets_bottlenecks_are_wide_outside(ablations: Any) -> None:
    spec = ablations.FAMILIES["MobileNet v2 0.15x"]["ResNet's bottleneck"].spec
    blocks = [row for row in spec.rows if isinstance(row, Residual)]
    assert len(blocks) == 17
    assert all(row.bottleneck and row.channels == 4 * row.middle for row in blocks)


def test_a_summary_has_what_is_finished_and_no_more(ablations: Any, tmp_path: Path) -> None:
    family = "ShuffleNet v1 0.125x, 8 groups"
    assert ablations.summary(tmp_path, 2)["rows"] == []
    times = {"shuffle": {"ms": 1.0}, "no shuffle": {"ms": 2.0}}
    (tmp_path / "shufflenet-v1-0.125x-8-groups.times.json").write_text(json.dumps(times))
    (tmp_path / "shufflenet-v1-0.125x-8-groups.shuffle.1.json").write_text(json.dumps({"test": 0.5}))
    assert ablations.summary(tmp_path, 2)["rows"] == [
        {"family": family, "variant": "shuffle", "ms": 1.0, "test": [0.5]}
    ]


def test_the_measured_comparisons_are_the_benchmarks(ablations: Any) -> None:
    document = json.loads((ROOT / "docs/measured/ablations.json").read_text("utf-8"))
    assert document["comparisons"] == [asdict(each) for each in ablations.COMPARISONS]
    names = {(family, name) for family, variants in ablations.FAMILIES.items() for name in variants}
    assert {(row["family"], row["variant"]) for row in document["rows"]} <= names
