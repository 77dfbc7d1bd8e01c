from __future__ import annotations

import numpy as np
import pytest

from featherlight.errors import BadInput
from featherlight.graph import Builder, Tensor, check
from featherlight.graph.kinds import Activation, Add, Multiply, Split


def test_names_that_are_taken_get_a_number() -> None:
    builder = Builder()
    x = builder.input("x", Tensor((1, 4)))
    assert builder.add(Split(1, (1, 3)), [x], "part") == ["part", "part_1"]
    assert builder.add(Activation("relu"), [x], "part") == ["part_2"]
    assert builder.number("x", 3.0) == "x_1"


def test_a_graph_keeps_only_what_its_outputs_depend_on() -> None:
    builder = Builder()
    x = builder.input("x", Tensor((1, 4)))
    builder.add(Multiply(), [x, builder.number("two", 2.0)], "unused")
    (y,) = builder.add(Add(), [x, builder.number("three", 3.0)], "y")
    graph = check(builder.graph([y]))
    assert [op.outputs for op in graph.ops] == [("y",)]
    assert set(graph.tensors) == {"x", "three", "y"}
    assert graph.constants == {"three": np.float32(3.0)}


def test_an_operation_that_does_not_fit_is_not_added() -> None:
    builder = Builder()
    x = builder.input("x", Tensor((1, 4)))
    with pytest.raises(BadInput, match=r"split at rows\.0: sizes must be"):
        builder.add(Split(1, (1, 2)), [x], "part", origin="rows.0")
    assert builder.ops == []
    assert list(builder.tensors) == ["x"]
