"""Operators with weights: convolution, linear layers, batch norm."""

from __future__ import annotations

from typing import Any

from featherlight.errors import BadInput
from featherlight.graph import kinds
from featherlight.graph.onnx_ops.call import Call, Known, NotCanonical, Value
from featherlight.graph.onnx_ops.pooling import Sizes, over_a_line, padding, pair, require_map


def convolution_kind(
    call: Call,
    x: Value,
    weight: Value,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sizes = None,
    group: int = 1,
    kernel_shape: Sizes = None,
    pads: Sizes = None,
    strides: Sizes = None,
) -> kinds.Convolution:
    """The kind for a Conv node's attributes. Raises BadInput if the kernel is not the weight's."""
    require_map(x)
    if len(x.shape) != 4 or len(weight.shape) != 4:
        raise BadInput(f"{call.where}: input and weight must be of 4 dimensions; got {x.shape} and {weight.shape}")
    kernel = (weight.shape[2], weight.shape[3])
    if pair(call, "kernel_shape", kernel_shape, kernel) != kernel:
        raise BadInput(f"{call.where}: kernel_shape must be the weight's {kernel}; got {tuple(kernel_shape or ())}")
    stride, dilation = pair(call, "strides", strides), pair(call, "dilations", dilations)
    frame = padding(call, x.shape[2:], kernel, stride, dilation, auto_pad, pads)
    return kinds.Convolution(stride, frame, dilation, group)


@over_a_line
def convolution(call: Call, x: Value, weight: Value, bias: Value | None = None, **attributes: Any) -> Value:
    """Conv."""
    return call.add(convolution_kind(call, x, weight, **attributes), x, weight, bias)


def gemm(
    call: Call,
    a: Value,
    b: Value,
    c: Value | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
    broadcast: int = 0,
) -> Value:
    """A linear layer whose weight and bias carry the factors of alpha A B + beta C, or one and an addition."""
    if len(a.shape) != 2 or len(b.shape) != 2:
        raise BadInput(f"{call.where}: A and B must be matrices; got {a.shape} and {b.shape}")
    x = call.add(kinds.Transpose((1, 0)), a) if transA else a
    weight = b if transB else call.add(kinds.Transpose((1, 0)), b)
    if alpha != 1.0:
        weight = call.add(kinds.Multiply(), weight, alpha)
    if c is not None and beta != 1.0:
        c = call.add(kinds.Multiply(), c, beta)
    if c is None or c.shape == (weight.shape[0],):
        return call.add(kinds.Linear(), x, weight, c)
    if len(c.shape) > 2:
        raise BadInput(f"{call.where}: C must be of at most 2 dimensions; got {c.shape}")
    return call.add(kinds.Add(), call.add(kinds.Linear(), x, weight), c)


def matmul(call: Call, a: Value, b: Value) -> Value:
    """A linear layer where one of the two is a matrix."""
    if len(b.shape) == 2 and len(a.shape) >= 1:
        return call.add(kinds.Linear(), a, call.add(kinds.Transpose((1, 0)), b))
    if len(a.shape) == 2 and len(b.shape) > 2:  # B's columns are what A's rows weigh
        swap = kinds.Transpose((*range(len(b.shape) - 2), len(b.shape) - 1, len(b.shape) - 2))
        return call.add(swap, call.add(kinds.Linear(), call.add(swap, b), a))
    raise NotCanonical("of two tensors that are no matrices")


def batch_norm(
    call: Call,
    x: Value,
    scale: Value,
    bias: Value,
    mean: Value,
    variance: Value,
    *,
    epsilon: float = 1e-5,
    spatial: int = 1,
    training_mode: int = 0,
    **_: Any,
) -> Value:
    """With fixed statistics, one for each channel."""
    if training_mode or call.outputs > 1:
        raise NotCanonical("in training")
    if not spatial:
        raise NotCanonical("for each element")
    if isinstance(variance, Known) and not (variance.array.astype(float) + epsilon > 0).all():
        raise BadInput(f"{call.where}: variance + epsilon must be numbers above 0")
    return call.add(kinds.BatchNorm(epsilon), x, scale, bias, mean, variance)
