"""Operators with weights: convolution, linear layers, batch norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from featherlight.graph import kinds
from featherlight.graph.aten.call import Call, Ints, NotCanonical, Result, pair


def conv2d(
    call: Call, x: str, weight: str, bias: str | None, stride: Ints, padding: Ints | str, dilation: Ints, groups: int
) -> str:
    """Padding "same" puts the odd one of an uneven total at the bottom and right, as torch does."""
    spread = pair(dilation)
    if isinstance(padding, str):
        reach = [d * (k - 1) for d, k in zip(spread, call.shape(weight)[2:], strict=True)]
        before = (reach[0] // 2, reach[1] // 2) if padding == "same" else (0, 0)
        after = (reach[0] - before[0], reach[1] - before[1]) if padding == "same" else (0, 0)
    else:
        before = after = pair(padding)
    return call.add(kinds.Convolution(pair(stride), (*before, *after), spread, groups), x, weight, bias)


def linear(call: Call, x: str, weight: str, bias: str | None) -> str:
    """Only with a weight that is known."""
    if weight not in call.builder.constants:
        raise NotCanonical("of two computed tensors")
    return call.add(kinds.Linear(), x, weight, bias)


def mm(call: Call, x: str, mat2: str, bias: str | None = None) -> str:
    """Linear, with mat2 transposed."""
    if mat2 not in call.builder.constants or len(call.shape(mat2)) != 2:
        raise NotCanonical("of two computed tensors")
    return linear(call, x, call.add(kinds.Transpose((1, 0)), mat2), bias)


def matmul(call: Call, x: str, other: str) -> str:
    """Its form for any number of dimensions."""
    return mm(call, x, other)


def addmm(call: Call, x: str, mat1: str, mat2: str, beta: float, alpha: float) -> str:
    """Beta x + alpha mat1 mat2, where x is the bias."""
    if (beta, alpha) != (1, 1):
        raise NotCanonical("with factors other than 1")
    return mm(call, mat1, mat2, x)


def batch_norm(
    call: Call,
    x: str,
    weight: str | None,
    bias: str | None,
    running_mean: str | None,
    running_var: str | None,
    eps: float,
    training: bool = False,
    **_: Any,
) -> str:
    """With learnable scale and shift BatchNorm; without, a product and a sum with constants."""
    if training or running_mean is None or running_var is None:
        raise NotCanonical("with the statistics of its own input")
    if weight is not None and bias is not None:
        return call.add(kinds.BatchNorm(eps), x, weight, bias, running_mean, running_var)
    constants = call.builder.constants
    scale = (1.0 if weight is None else constants[weight]) / np.sqrt(constants[running_var].astype(np.float64) + eps)
    shift = (0.0 if bias is None else constants[bias]) - constants[running_mean] * scale
    along_channels = (-1, *(1,) * (len(call.shape(x)) - 2))
    factor, offset = (
        call.builder.constant(f"{call.name}.{name}", value.reshape(along_channels).astype(np.float32))
        for name, value in (("scale", scale), ("shift", shift))
    )
    return call.add(kinds.Add(), call.add(kinds.Multiply(), x, factor), offset)


def native_batch_norm(call: Call, **arguments: Any) -> Result:
    """The form that torch decomposes batch norm to; it also returns statistics."""
    return batch_norm(call, **arguments), None, None
