"""Layers and blocks as a guideline would have them: the same work where the guideline compares equal work."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.cost import count
from featherlight.explain import Finding, Guideline, findings
from featherlight.explain.mended import Mended, mended
from featherlight.graph import Builder, Graph, Tensor, check, evaluate, from_torch, kinds
from featherlight.layers import Network
from featherlight.models import entry


def layer(c1: int, c2: int, groups: int = 1) -> Graph:
    builder = Builder()
    x = builder.input("x", Tensor((1, c1, 14, 14)))
    weight = builder.constant("w", np.ones((c2, c1 // groups, 1, 1), np.float32))
    return builder.graph(builder.add(kinds.Convolution(groups=groups), [x, weight], "y", origin="rows.0.conv"))


def mend(graph: Graph, guideline: Guideline) -> Mended:
    of_a_layer = Finding(guideline, "rows.0.conv", 2.0, 100, 1.0)  # G1 or G2, where it is too mild to be found as well
    of_a_block = (each for each in findings(graph) if each.guideline == guideline)
    plan = mended(graph, of_a_layer if guideline in ("G1", "G2") else next(of_a_block))
    assert isinstance(plan, Mended), plan
    check(plan.before)
    check(plan.after)
    return plan


def work(plan: Mended) -> float:
    return count(plan.after).multiply_adds / count(plan.before).multiply_adds


def channels(graph: Graph) -> tuple[int, int]:
    return graph.tensors[graph.inputs[0]].shape[1], graph.tensors[graph.outputs[0]].shape[1]


@given(c=st.integers(8, 64), ratio=st.integers(2, 8), groups=st.sampled_from([1, 2, 3]))
def test_unequal_channels_become_equal_at_equal_work(c: int, ratio: int, groups: int) -> None:
    plan = mend(layer(c * groups, c * groups * ratio, groups), "G1")
    c1, c2 = channels(plan.after)
    assert c1 == c2
    assert c1 % groups == 0
    assert 0.85 < work(plan) < 1.15
    if ratio >= 4:  # milder ones may gain less than whole vectors cost
        assert count(plan.after).memory_access < count(plan.before).memory_access


@given(c=st.integers(8, 64), groups=st.sampled_from([2, 3, 4, 8]))
def test_groups_become_one_at_equal_work(c: int, groups: int) -> None:
    plan = mend(layer(c * groups, c * groups, groups), "G2")
    (op,) = plan.after.ops
    assert isinstance(op.kind, kinds.Convolution)
    assert op.kind.groups == 1
    assert 0.85 < work(plan) < 1.15
    assert f"in {groups} groups become" in plan.change


def test_channels_are_whole_vectors_where_the_work_allows() -> None:
    assert channels(mend(layer(16, 96), "G1").after) == (40, 40)
    assert channels(mend(layer(6, 24), "G1").after) == (12, 12)  # 8 or 16 would be far off


@pytest.fixture(scope="module")
def graph() -> Graph:
    return from_torch(Network(entry("mnasnet_a1").build(width=0.35)).eval(), (1, 3, 64, 64))


def test_fragments_become_one_convolution(graph: Graph) -> None:
    plan = mend(graph, "G3")
    (op,) = plan.after.ops
    assert isinstance(op.kind, kinds.Convolution)
    assert channels(plan.after)[0] == channels(plan.after)[1]
    assert plan.after.tensors[plan.after.outputs[0]].shape[2:] == plan.before.tensors[plan.before.outputs[0]].shape[2:]
    assert 0.7 < work(plan) < 1.4  # channels are few at this width


def test_a_block_loses_what_is_element_wise(graph: Graph) -> None:
    for finding in findings(graph):
        plan = mended(graph, finding)
        if finding.guideline != "G4" or isinstance(plan, str):
            continue
        gone = {type(op.kind) for op in plan.before.ops} - {type(op.kind) for op in plan.after.ops}
        assert gone >= {kinds.Activation} or kinds.Add in gone
        assert plan.before.tensors[plan.before.outputs[0]] == plan.after.tensors[plan.after.outputs[0]]
        assert count(plan.after).multiply_adds <= count(plan.before).multiply_adds


def test_a_block_alone_says_what_it_says_in_the_network(graph: Graph) -> None:
    plan = mend(graph, "G3")
    images = np.random.default_rng(0).standard_normal(graph.tensors[graph.inputs[0]].shape)
    whole = Graph(graph.ops, graph.inputs, (*plan.before.inputs, *plan.before.outputs), graph.tensors, graph.constants)
    given_, expected = evaluate(whole, images)
    assert np.allclose(evaluate(plan.before, given_)[0], expected)


def test_what_cannot_be_rebuilt_is_said() -> None:
    builder = Builder()
    x, y = (builder.input(name, Tensor((1, 4, 5, 5))) for name in "xy")
    (both,) = builder.add(kinds.Add(), [x, y], "sum", origin="rows.0.sum")
    (both,) = builder.add(kinds.Activation("relu"), [both], "relu", origin="rows.0.relu")
    two = builder.graph([both])
    for finding in (Finding("G3", "rows.0", 6, 100, 1.0), Finding("G4", "rows.0", 1.0, 100, 1.0)):
        assert mended(two, finding) == "the block takes 2 tensors and gives 1: alone it would be another network"
    assert mended(two, Finding("G1", "rows.0.sum", 2.0, 100, 1.0)) == "its convolution is not found by name"
