"""What every pass promises, over random graphs: the same values, the same shapes, a well-formed graph."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings

from featherlight.graph import Graph, check, evaluate
from featherlight.graph.passes import PASSES, canonical
from random_graphs import graphs


def assert_same(graph: Graph, other: Graph) -> None:
    check(other)
    assert other.inputs == graph.inputs
    assert [other.tensors[name] for name in other.outputs] == [graph.tensors[name] for name in graph.outputs]
    x = np.random.default_rng(0).uniform(-4, 4, graph.tensors[graph.inputs[0]].shape)
    for value, expected in zip(evaluate(other, x), evaluate(graph, x), strict=True):
        np.testing.assert_allclose(value, expected, atol=1e-9 * max(1.0, float(np.abs(expected).max())))


@pytest.mark.parametrize("one", dict.fromkeys(PASSES), ids=lambda one: one.__name__)
@settings(max_examples=40)
@given(graph=graphs())
def test_a_pass_keeps_values_shapes_and_validity(one: Callable[[Graph], Graph], graph: Graph) -> None:
    check(graph)
    before = (graph.ops, dict(graph.tensors), list(graph.constants))
    assert_same(graph, one(graph))
    assert before == (graph.ops, dict(graph.tensors), list(graph.constants))


@settings(max_examples=80)
@given(graph=graphs())
def test_all_in_their_order_keep_them_too_and_the_second_time_change_nothing(graph: Graph) -> None:
    step = graph
    for each in PASSES:
        step = check(each(step))
    assert_same(graph, step)
    assert canonical(step).ops == step.ops
