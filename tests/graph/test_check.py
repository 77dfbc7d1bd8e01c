from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from featherlight.errors import BadInput
from featherlight.graph import Builder, Graph, Op, Tensor, check
from featherlight.graph.kinds import Activation, Convolution, Split


@pytest.fixture
def graph() -> Graph:
    builder = Builder()
    x = builder.input("x", Tensor((1, 2, 4, 4)))
    weight = builder.constant("weight", np.ones((2, 2, 1, 1), np.float32))
    (y,) = builder.add(Convolution(), [x, weight], "y", origin="stem")
    return builder.graph(builder.add(Activation("relu"), [y], "z"))


def test_a_well_formed_graph_comes_back(graph: Graph) -> None:
    assert check(graph) is graph


def broken(graph: Graph, how: str) -> Graph:
    convolution, relu = graph.ops
    match how:
        case "read before":
            return replace(graph, ops=(relu, convolution))
        case "defined twice":
            return replace(graph, ops=(convolution, convolution, relu))
        case "input again":
            return replace(graph, ops=(replace(convolution, outputs=("x",)), relu))
        case "wrong shape":
            return replace(graph, tensors={**graph.tensors, "y": Tensor((1, 2, 4, 5))})
        case "wrong dtype":
            return replace(graph, tensors={**graph.tensors, "z": Tensor((1, 2, 4, 4), "float16")})
        case "unrecorded":
            return replace(graph, tensors={name: t for name, t in graph.tensors.items() if name != "y"})
        case "stray":
            return replace(graph, tensors={**graph.tensors, "ghost": Tensor((1,))})
        case "constant of another shape":
            return replace(graph, constants={"weight": np.ones((2, 2, 3, 3), np.float32)})
        case "constant gone":
            return replace(graph, constants={})
        case "no such output":
            return replace(graph, outputs=("nowhere",))
        case "input is a constant":
            return replace(graph, inputs=("x", "weight"))
        case "too few outputs":
            return replace(graph, ops=(convolution, Op(Split(1, (1, 1)), ("y",), ("z",))))
        case _:
            return replace(graph, ops=(replace(convolution, kind=Convolution(groups=3)), relu))


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("read before", "relu at z reads 'y', which must be defined before it"),
        ("defined twice", "convolution at stem defines 'y', which must be defined only once"),
        ("input again", "convolution at stem defines 'x', which must be defined only once"),
        ("wrong shape", "convolution at stem gives 'y', which must be recorded as"),
        ("wrong dtype", "relu at z gives 'z', which must be recorded as"),
        ("unrecorded", "convolution at stem gives 'y', which must be recorded as"),
        ("stray", "'ghost' stands alone"),
        ("constant of another shape", "constant gives 'weight', which must be recorded as"),
        ("constant gone", "convolution at stem reads 'weight', which must be defined before it"),
        ("no such output", "'nowhere' is not"),
        ("input is a constant", "inputs and constants of a graph must have names of their own"),
        ("too few outputs", "split at z must define 2 tensors; got 1 names"),
        ("illegal kind", "convolution at stem: groups must be a divisor"),
    ],
)
def test_a_breach_is_told_in_one_sentence(graph: Graph, how: str, sentence: str) -> None:
    with pytest.raises(BadInput) as error:
        check(broken(graph, how))
    assert sentence in str(error.value)
