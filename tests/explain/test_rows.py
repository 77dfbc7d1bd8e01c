"""Steps laid beside what they cost, on networks small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from featherlight.cost import Bandwidth, Ceilings, count
from featherlight.engines.trace import Step, cover
from featherlight.explain import Row, findings
from featherlight.explain.rows import describe, rows
from featherlight.graph import Builder, Graph, Tensor, from_torch, kinds
from small_networks import small_networks

CEILINGS = Ceilings(1e9, (Bandwidth(1 << 10, 4e9),))


def residual() -> Graph:
    """1x1 from 2 to 6 channels on 4x4 with batch norm, ReLU, depthwise 3x3, 1x1 back, and the sum with the input."""
    builder = Builder()
    x = builder.input("x", Tensor((1, 2, 4, 4)))
    weights = [
        builder.constant("w", np.ones(shape, np.float32)) for shape in ((6, 2, 1, 1), (6, 1, 3, 3), (2, 6, 1, 1))
    ]
    vectors = [builder.constant("v", np.ones(6, np.float32)) for _ in range(4)]
    (y,) = builder.add(kinds.Convolution(), [x, weights[0]], "expand", origin="rows.0.expand.conv")
    (y,) = builder.add(kinds.BatchNorm(), [y, *vectors], "norm", origin="rows.0.expand.norm")
    (y,) = builder.add(kinds.Activation("relu"), [y], "relu", origin="rows.0.expand.activation")
    depthwise = kinds.Convolution(padding=(1, 1, 1, 1), groups=6)
    (y,) = builder.add(depthwise, [y, weights[1]], "depthwise", origin="rows.0.depthwise.conv")
    (y,) = builder.add(kinds.Convolution(), [y, weights[2]], "project", origin="rows.0.project.conv")
    (y,) = builder.add(kinds.Add(), [y, x], "sum", origin="rows.0")
    (y,) = builder.add(kinds.Mean((2, 3), False), [y], "mean", origin="head.pool")
    (y,) = builder.add(kinds.Reshape((2,)), [y], "flat", origin="head.flatten")
    return builder.graph([y])


def told(graph: Graph, *results: str, ceilings: Ceilings | None = CEILINGS) -> tuple[Row, ...]:
    covered = cover(graph, [each.split() for each in results])
    steps = [Step(f"step {at}", "Conv" if ops else "Reorder", ops, 1e-6) for at, ops in enumerate(covered)]
    return rows(graph, steps, findings(graph), ceilings)


def test_what_passes_inside_a_step_is_not_counted() -> None:
    expand, depthwise, project, mean = told(residual(), "relu", "depthwise", "sum", "mean flat")
    assert expand.memory_access == 32 + 12 + 4 * 6 + 96  # the batch norm's four vectors are read, its map is not
    assert depthwise.memory_access == 96 + 54 + 96
    assert project.memory_access == 96 + 12 + 32 + 32  # the input comes in for the sum
    assert mean.memory_access == 32 + 2  # a view moves nothing
    assert [row.operations for row in (expand, depthwise, project, mean)] == [3, 1, 2, 2]
    assert all(row.bytes_moved == 4 * row.memory_access for row in (expand, depthwise, project, mean))


@pytest.mark.parametrize("name", ["residual", "fire", "shuffle unit"])
def test_operations_with_steps_of_their_own_cost_what_count_says(name: str) -> None:
    graph = from_torch(small_networks()[name], (1, 3, 18, 22))
    made = told(graph, *(" ".join(op.outputs) for op in graph.ops))
    for row, cost in zip(made, count(graph).rows, strict=True):
        assert (row.multiply_adds, row.parameters) == (cost.multiply_adds, cost.parameters)
        assert row.memory_access == cost.memory_access, cost.op


def test_a_row_is_called_after_what_matters_most() -> None:
    expand, depthwise, project, mean = told(residual(), "relu", "depthwise", "sum", "flat")
    assert (expand.name, expand.kind, expand.block) == ("rows.0.expand.conv", "pointwise convolution", "rows.0")
    assert depthwise.kind == "depthwise convolution 3x3"
    assert (project.name, mean.kind) == ("rows.0.project.conv", "mean")


def test_a_change_of_layout_is_called_as_the_engine_calls_it() -> None:
    first, _, last = told(residual(), "", "relu", "")
    assert (first.name, first.kind, first.block) == ("step 0", "Reorder", "")
    assert (last.operations, last.multiply_adds, last.memory_access, last.bound) == (0, 0, 0, 0.0)
    assert last.block == "rows.0"


def test_the_bound_is_the_rooflines() -> None:
    expand, depthwise, *_ = told(residual(), "relu", "depthwise", "flat")
    assert [row.bound for row in (expand, depthwise)] == pytest.approx([192e-9, 864e-9])
    assert [row.limit for row in (expand, depthwise)] == ["arithmetic", "arithmetic"]
    memory = told(residual(), "flat", ceilings=Ceilings(1e12, CEILINGS.bandwidths))[0]
    assert memory.limit == "memory"
    assert memory.bound == pytest.approx(memory.bytes_moved / 4e9)
    assert told(residual(), "flat", ceilings=None)[0].bound is None


def test_findings_stand_at_the_steps_whose_time_they_explain() -> None:
    expand, depthwise, project, mean = told(residual(), "relu", "depthwise", "sum", "flat")
    guidelines = [[finding.guideline for finding in row.findings] for row in (expand, depthwise, project, mean)]
    assert guidelines == [["G1"], ["G4"], ["G1"], []]
    alone = told(residual(), "norm", "relu", "depthwise", "project", "sum", "flat")
    assert [finding.guideline for finding in alone[1].findings] == ["G4"]  # a ReLU with a step of its own
    assert [finding.guideline for finding in alone[4].findings] == ["G4"]  # and a sum


@pytest.mark.parametrize(
    ("shape", "groups", "expected"),
    [
        ((6, 6, 1, 1), 1, "pointwise convolution"),
        ((6, 3, 1, 1), 2, "grouped pointwise convolution"),
        ((6, 6, 3, 5), 1, "convolution 3x5"),
        ((6, 3, 3, 3), 2, "grouped convolution 3x3"),
        ((6, 1, 5, 5), 6, "depthwise convolution 5x5"),
    ],
)
def test_convolutions_have_names(shape: tuple[int, ...], groups: int, expected: str) -> None:
    builder = Builder()
    x = builder.input("x", Tensor((1, 6, 9, 9)))
    weight = builder.constant("w", np.ones(shape, np.float32))
    graph = builder.graph(builder.add(kinds.Convolution(groups=groups), [x, weight], "y"))
    assert describe(graph, graph.ops[0]) == expected
