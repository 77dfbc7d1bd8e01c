"""A graph with other numbers of channels and of pixels: the same operations, every shape worked out anew."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from featherlight.graph.ir import Constant, Graph, Op, Tensor
from featherlight.graph.kinds import Convolution, Reshape, Split
from featherlight.graph.rules.shape import infer

Shape = tuple[int, ...]


def resized(graph: Graph, input_shape: Shape, constants: Mapping[str, Shape]) -> Graph:
    """`graph` for an input of another shape, with weights of other shapes, which are random.

    A depthwise convolution stays one, halves stay halves. What is reshaped keeps the rows and columns of its map, and
    of its own shape all but the channels, axis 1 (axis 2 of the five that a channel shuffle is written in). Raises
    BadInput where the shapes do not fit one another.
    """
    (images,) = graph.inputs
    values = {name: _random(shape) for name, shape in constants.items()}
    values |= {name: value for name, value in graph.constants.items() if name not in constants}
    tensors = {name: Tensor(value.shape, value.dtype.name) for name, value in values.items()}
    tensors[images] = replace(graph.tensors[images], shape=input_shape)
    ops = []
    for op in graph.ops:
        fitted = _fitted(op, graph, tensors)
        tensors.update(zip(op.outputs, infer(fitted, tuple(tensors[name] for name in op.inputs)), strict=True))
        ops.append(fitted)
    return replace(graph, ops=tuple(ops), tensors=tensors, constants=values)


def _fitted(op: Op, graph: Graph, tensors: Mapping[str, Tensor]) -> Op:
    """The operation with the channels that are written in its kind changed to those of its new inputs."""
    before, now = (known[op.inputs[0]].shape for known in (graph.tensors, tensors))
    match op.kind:
        case Convolution():  # the weight says how many channels a group has, whether it was traced with one or many
            return replace(op, kind=replace(op.kind, groups=max(1, now[1] // tensors[op.inputs[1]].shape[1])))
        case Split(axis, sizes):
            return replace(op, kind=Split(axis, tuple(size * now[axis] // before[axis] for size in sizes)))
        case Reshape(shape):
            at = 2 if len(shape) == 5 else 1
            shape = (*shape[:-2], *now[-2:]) if len(shape) > 3 else shape
            others = math.prod(size for index, size in enumerate(shape) if index != at)
            return replace(op, kind=Reshape((*shape[:at], math.prod(now) // others, *shape[at + 1 :])))
    return op


def _random(shape: Shape) -> Constant:
    """Weights that keep a map's magnitude; vectors (scales, shifts, statistics) near 1, since variances are above 0."""
    rng = np.random.default_rng(0)
    if len(shape) < 2:
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    return rng.standard_normal(shape, np.float32) / np.float32(math.sqrt(math.prod(shape[1:])))
