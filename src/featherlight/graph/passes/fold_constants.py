"""What can be computed once is computed once."""

from __future__ import annotations

import numpy as np

from featherlight.graph.evaluate import apply
from featherlight.graph.ir import Graph, Op
from featherlight.graph.passes.rewriting import rebuilt


def fold_constants(graph: Graph) -> Graph:
    """The graph with each operation on constants alone replaced by its result.

        weight (constant) -- multiply -- scaled -- convolution
        2 (constant) --------'                     |
        x -----------------------------------------'
    becomes
        scaled (constant) -- convolution
        x -------------------'

    Results are computed in float64 and kept in the dtype that the tensor had. Does not apply as soon as one operand
    is not a constant: x * 2 * 3 stays as it is.
    """
    constants = dict(graph.constants)
    ops: list[Op] = []
    for op in graph.ops:
        if all(name in constants for name in op.inputs):
            results = apply(op, [constants[name].astype(np.float64) for name in op.inputs])
            for name, value in zip(op.outputs, results, strict=True):
                constants[name] = np.array(value, dtype=graph.tensors[name].dtype)
        else:
            ops.append(op)
    return rebuilt(graph, ops, constants=constants)
