"""Operations that change nothing go."""

from __future__ import annotations

import math
from dataclasses import replace

from featherlight.graph.ir import Graph, Op
from featherlight.graph.kinds import ChannelShuffle, Clip, Concat, Identity, Pad, Reshape, Slice, Split, Transpose
from featherlight.graph.passes.rewriting import rebuilt


def drop_identity(graph: Graph) -> Graph:
    """The graph without operations whose output is their input: whoever reads the one reads the other.

        x -- identity -- y -- relu -- z     becomes     x -- relu -- z

    Identity is also what dropout, clone and contiguous are at inference. The same goes for a reshape to the same
    shape, a transpose that keeps the order, a slice of everything, a split into one part, a concat of one input, a
    pad by nothing, a clip without limits, a shuffle of one group. If y is an output of the graph, x becomes one.

    Does not apply to arithmetic that happens to change nothing, such as adding 0.
    """
    same: dict[str, str] = {}
    ops: list[Op] = []
    for op in graph.ops:
        read = replace(op, inputs=tuple(same.get(name, name) for name in op.inputs))
        if _changes_nothing(graph, op):
            same[op.outputs[0]] = read.inputs[0]
        else:
            ops.append(read)
    return rebuilt(graph, ops, outputs=[same.get(name, name) for name in graph.outputs])


def _changes_nothing(graph: Graph, op: Op) -> bool:
    shape = graph.tensors[op.inputs[0]].shape
    match op.kind:
        case Identity():
            return True
        case Reshape():
            return op.kind.shape == shape
        case Transpose(permutation):
            return permutation == tuple(range(len(shape)))
        case Slice() | Pad():
            return graph.tensors[op.outputs[0]].shape == shape
        case Split() | Concat():
            return len(op.inputs) == len(op.outputs) == 1
        case Clip(low, high):
            return (low, high) == (-math.inf, math.inf)
        case ChannelShuffle(groups):
            return groups in (1, shape[1])
        case _:
            return False
