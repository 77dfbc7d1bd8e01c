"""Running a graph by its value rules: slow, in float64, and right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from featherlight.errors import must_be
from featherlight.graph.activations import Array
from featherlight.graph.ir import Graph, Op
from featherlight.graph.rules.value import VALUE


def evaluate(graph: Graph, *inputs: npt.ArrayLike) -> tuple[Array, ...]:
    """The graph's outputs for these inputs, in float64 throughout.

    Raises BadInput if the inputs do not have the shapes that the graph was made for.
    """
    if len(inputs) != len(graph.inputs):
        raise must_be("number of inputs", str(len(graph.inputs)), len(inputs))
    values = {name: np.asarray(value, dtype=np.float64) for name, value in graph.constants.items()}
    for name, given in zip(graph.inputs, inputs, strict=True):
        values[name] = np.asarray(given, dtype=np.float64)
        if values[name].shape != graph.tensors[name].shape:
            raise must_be(f"input {name}", f"of shape {graph.tensors[name].shape}", values[name].shape)
    for op in graph.ops:
        values.update(zip(op.outputs, apply(op, [values[name] for name in op.inputs]), strict=True))
    return tuple(values[name] for name in graph.outputs)


def apply(op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """The values that one operation defines."""
    result = VALUE[type(op.kind)](op.kind, *inputs)
    return result if isinstance(result, tuple) else (result,)
