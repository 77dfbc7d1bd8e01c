"""Every case of onnx's suite computes the right values, or stands in conformance.json with the reason why not.

What is listed there must really be refused: a case that starts to be computed has to leave the list.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onnx_suite import GROUPS, Case, Group, cases, light, outcome

EXPECTED: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("conformance.json").read_text())

# How many are computed of each group, so that a case that vanishes is noticed.
COMPUTED: dict[Group, int] = {"node": 341, "pytorch-converted": 60, "pytorch-operator": 25, "simple": 2}


@pytest.mark.parametrize("group", COMPUTED)
def test_each_case_is_computed_or_listed_with_a_reason(group: Group) -> None:
    results = {case.name: outcome(case) for case in cases(group)}
    wrong = {name: reason for name, (result, reason) in results.items() if result == "failed"}
    assert not wrong
    refused = {name for name, (result, _) in results.items() if result == "unsupported"}
    assert refused == EXPECTED[group].keys()
    assert len(results) - len(refused) == COMPUTED[group]


@pytest.mark.parametrize(
    "name",
    [
        "light_bvlc_alexnet",
        "light_densenet121",
        "light_inception_v1",
        "light_inception_v2",
        "light_resnet50",
        "light_shufflenet",
        "light_squeezenet",
        "light_vgg19",
        "light_zfnet512",
    ],
)
def test_a_real_network_is_computed(name: str) -> None:
    assert outcome(light(name)) == ("computed", "")


def test_reasons_are_given() -> None:
    assert EXPECTED.keys() == COMPUTED.keys()
    assert all(reason.strip() for group in EXPECTED.values() for reason in group.values())


def test_a_wrong_value_and_a_refusal_are_told_apart() -> None:
    case = light("light_squeezenet")
    assert outcome(Case("light", "wrong", case.model, case.inputs, [case.outputs[0] + 1], 1e-3, 1e-7))[0] == "failed"
    case.model.graph.node[-1].op_type = "NonMaxSuppression"
    assert outcome(case)[0] == "unsupported"
    assert "light" in GROUPS
