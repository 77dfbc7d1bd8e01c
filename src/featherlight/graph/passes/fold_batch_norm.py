"""Batch norm at inference is a scale and a shift for each channel: the layer before it can do both."""

from __future__ import annotations

import numpy as np

from featherlight.graph.ir import Constant, Graph, Op
from featherlight.graph.kinds import BatchNorm, Convolution, Linear
from featherlight.graph.passes.rewriting import makers, read_once, rebuilt, unused_name

Constants = dict[str, Constant]


def fold_batch_norm(graph: Graph) -> Graph:
    """The graph with each BatchNorm folded into the convolution or linear layer before it.

        x -- convolution(w, b) -- batch norm(gamma, beta, mean, variance) -- y
    becomes
        x -- convolution(s w, s (b - mean) + beta) -- y          where s = gamma / sqrt(variance + epsilon)

    New weights are computed in float64 and kept in the old ones' dtype, beside the old ones if another layer shares
    them. Does not apply where something else reads the layer's output (it would have to be computed twice), where a
    weight or a statistic is not a constant, nor after a linear layer on more than a matrix, whose channels are the
    last axis while batch norm's are the second.
    """
    made, once = makers(graph), read_once(graph)
    constants = dict(graph.constants)
    taken = set(graph.tensors)
    ops: list[Op] = []
    for op in graph.ops:
        layer = made.get(op.inputs[0])
        if isinstance(op.kind, BatchNorm) and layer is not None and _foldable(graph, constants, layer, op, once):
            names = []
            for name, value in _folded(constants, layer, op):
                names.append(unused_name(f"{name}.folded", taken))
                taken.add(names[-1])
                constants[names[-1]] = value
            op = Op(layer.kind, (layer.inputs[0], *names), op.outputs, layer.origin)
            made[op.outputs[0]] = op  # a second batch norm may follow
        ops.append(op)
    return rebuilt(graph, ops, constants=constants)


def _foldable(graph: Graph, constants: Constants, layer: Op, norm: Op, once: set[str]) -> bool:
    per_channel = isinstance(layer.kind, Convolution) or (
        isinstance(layer.kind, Linear) and len(graph.tensors[layer.outputs[0]].shape) == 2
    )
    known = all(name in constants for name in (*layer.inputs[1:], *norm.inputs[1:]))
    return per_channel and known and norm.inputs[0] in once


def _folded(constants: Constants, layer: Op, norm: Op) -> tuple[tuple[str, Constant], tuple[str, Constant]]:
    """The new weight and bias, each with the name it is to be called after."""
    weight, *biases = (constants[name] for name in layer.inputs[1:])
    gamma, beta, mean, variance = (constants[name].astype(np.float64) for name in norm.inputs[1:])
    assert isinstance(norm.kind, BatchNorm)
    scale = gamma / np.sqrt(variance + norm.kind.epsilon)
    bias = biases[0] if biases else 0.0
    new_weight = weight * scale.reshape(-1, *(1,) * (weight.ndim - 1))
    new_bias = scale * (bias - mean) + beta
    return (
        (layer.inputs[1], new_weight.astype(weight.dtype)),
        (layer.inputs[2] if biases else norm.inputs[2], new_bias.astype(weight.dtype)),
    )
