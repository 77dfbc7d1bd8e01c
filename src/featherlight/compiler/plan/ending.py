"""What follows a convolution and is computed while its results are written: function, residual sum, function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from featherlight.compiler.kernels.activation import ElementWise
from featherlight.compiler.plan.layout import Map
from featherlight.compiler.plan.planner import Floats, Planner, element_wise
from featherlight.graph import Op, kinds


@dataclass(frozen=True)
class End:
    """What is computed while results are written: operations, functions, the map that is added, the last name."""

    ops: tuple[Op, ...]
    name: str
    activation: ElementWise | None = None
    residual: Map | None = None
    last: ElementWise | None = None


def parts(planner: Planner, op: Op) -> tuple[kinds.Kind, Floats | None, Floats]:
    """Kind, weight and bias; the weight is None where either is computed, or there is none."""
    weight = planner.constant(op.inputs[1]) if len(op.inputs) > 1 else None
    if weight is None:
        return op.kind, None, np.zeros(0, np.float32)
    if len(op.inputs) == 2:
        return op.kind, weight, np.zeros(len(weight), np.float32)
    bias = planner.constant(op.inputs[2])
    return op.kind, None if bias is None else weight, np.zeros(0, np.float32) if bias is None else bias


def end_of(planner: Planner, op: Op, shape: tuple[int, int, int, int] | None, plain: bool = False) -> End:
    """What follows an operation whose result, (images, height, width, channels), nothing else reads.

    A residual is added only where a shape is given; its channels must lie in their order if `plain`.
    """
    end = End((op,), op.outputs[0])
    after = planner.followers(end.name)
    function = element_wise(after)
    if after is not None and function is not None:
        end = End((*end.ops, after), after.outputs[0], function)
        after = planner.followers(end.name)
    residual = _residual(planner, after, end.name, shape)
    if residual is not None and plain and residual.order != tuple(range(residual.channels)):
        residual = None
    if after is not None and residual is not None:
        end = End((*end.ops, after), after.outputs[0], end.activation, residual)
        after = planner.followers(end.name)
        function = element_wise(after)
        if after is not None and function is not None:
            end = End((*end.ops, after), after.outputs[0], end.activation, residual, function)
    for each in end.ops[1:]:
        planner.swallow(each)
    return end


def _residual(planner: Planner, add: Op | None, name: str, shape: tuple[int, int, int, int] | None) -> Map | None:
    """The map that is added to `name`, if it is there already, in one piece and of the same shape."""
    if add is None or shape is None or not isinstance(add.kind, kinds.Add) or add.inputs[0] == add.inputs[1]:
        return None
    (other,) = (each for each in add.inputs if each != name)
    value = planner.values.get(other)
    if not isinstance(value, Map) or len(value.pieces) > 1:
        return None
    return value if (value.images, value.height, value.width, value.channels) == shape else None
