"""The same network for another number of images at once."""

from __future__ import annotations

import math
from dataclasses import replace

from featherlight.errors import BadInput, must_be
from featherlight.graph.ir import Graph, Op, Tensor
from featherlight.graph.kinds import Reshape
from featherlight.graph.rules.shape import infer


def with_batch(graph: Graph, batch: int) -> Graph:
    """The graph for inputs whose first dimension is `batch`; names, origins and weights stay.

    Raises BadInput if the network does not treat its images one by one: where a shape stops fitting, or the first
    dimension of an output does not follow.
    """
    if batch < 1:
        raise must_be("batch", "a whole number above 0", batch)
    tensors = {name: graph.tensors[name] for name in graph.constants}
    tensors |= {name: _first(graph.tensors[name], batch) for name in graph.inputs}
    ops = []
    for op in graph.ops:
        inputs = tuple(tensors[name] for name in op.inputs)
        ops.append(_refit(op, inputs[0]))
        tensors.update(zip(op.outputs, infer(ops[-1], inputs), strict=True))
    for name in graph.outputs:
        if tensors[name] != _first(graph.tensors[name], batch):
            raise BadInput(
                f"output {name} must have one row an image; got {tensors[name].shape} for {batch} images and "
                f"{graph.tensors[name].shape} for {graph.tensors[graph.inputs[0]].shape[0]}"
            )
    return replace(graph, ops=tuple(ops), tensors=tensors)


def _refit(op: Op, x: Tensor) -> Op:
    # A reshape names all its sizes; whatever a larger batch adds belongs to the first.
    if not isinstance(op.kind, Reshape) or not op.kind.shape:
        return op
    rest = op.kind.shape[1:]
    return replace(op, kind=Reshape((x.elements // math.prod(rest), *rest)))


def _first(tensor: Tensor, batch: int) -> Tensor:
    return replace(tensor, shape=(batch, *tensor.shape[1:]))
