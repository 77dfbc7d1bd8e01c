"""Every case of onnx's suite computes the right values, or stands in conformance.json with the reason why not.

What is listed there must really be refused: a case that starts to be computed has to leave the list. The same cases are
compiled; of the many of single nodes and of the real networks a part a day (`python tests/onnx_suite.py --native`
compiles them all).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

import compiled_here
from onnx_suite import GROUPS, Case, Group, cases, light, outcome
from turns import todays

EXPECTED: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("conformance.json").read_text())

# How many are computed of each group, so that a case that vanishes is noticed.
COMPUTED: dict[Group, int] = {"node": 356, "pytorch-converted": 63, "pytorch-operator": 26, "simple": 2}
LIGHT = (
    "light_bvlc_alexnet",
    "light_densenet121",
    "light_inception_v1",
    "light_inception_v2",
    "light_resnet50",
    "light_shufflenet",
    "light_squeezenet",
    "light_vgg19",
    "light_zfnet512",
)
DAYS: dict[Group, int] = {"node": 4, "pytorch-converted": 1, "pytorch-operator": 1, "simple": 1}


@cache
def suite(group: Group) -> tuple[Case, ...]:
    return tuple(cases(group))


@pytest.mark.parametrize("group", COMPUTED)
def test_each_case_is_computed_or_listed_with_a_reason(group: Group) -> None:
    results = {case.name: outcome(case) for case in suite(group)}
    wrong = {name: reason for name, (result, reason) in results.items() if result == "failed"}
    assert not wrong
    refused = {name for name, (result, _) in results.items() if result == "unsupported"}
    assert refused == EXPECTED[group].keys()
    assert len(results) - len(refused) == COMPUTED[group]


@pytest.mark.parametrize("group", COMPUTED)
def test_what_is_computed_can_be_compiled(group: Group) -> None:
    turn = set(todays((case.name for case in suite(group) if case.name not in EXPECTED[group]), DAYS[group]))
    assert len(turn) >= COMPUTED[group] // DAYS[group]
    outcomes = {case.name: outcome(case, compiled_here.run) for case in suite(group) if case.name in turn}
    assert {name: reason for name, (result, reason) in outcomes.items() if result != "computed"} == {}


@pytest.mark.parametrize("name", LIGHT)
def test_a_real_network_is_computed(name: str) -> None:
    assert outcome(light(name)) == ("computed", "")


@pytest.mark.parametrize("name", todays(LIGHT, len(LIGHT)))
def test_a_real_network_is_compiled(name: str) -> None:
    assert outcome(light(name), compiled_here.run) == ("computed", "")


def test_reasons_are_given() -> None:
    assert EXPECTED.keys() == COMPUTED.keys()
    assert all(reason.strip() for group in EXPECTED.values() for reason in group.values())


def test_a_wrong_value_and_a_refusal_are_told_apart() -> None:
    case = light("light_squeezenet")
    assert outcome(Case("light", "wrong", case.model, case.inputs, [case.outputs[0] + 1], 1e-3, 1e-7))[0] == "failed"
    case.model.graph.node[-1].op_type = "NonMaxSuppression"
    assert outcome(case)[0] == "unsupported"
    assert "light" in GROUPS
