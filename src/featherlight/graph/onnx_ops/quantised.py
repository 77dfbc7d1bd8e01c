"""Operators on whole numbers that stand for real ones: real = (whole - zero point) * scale."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from onnx import TensorProto

from featherlight.errors import BadInput
from featherlight.graph import kinds
from featherlight.graph.onnx_ops.call import Call, Known, NotCanonical, Value
from featherlight.graph.onnx_ops.weighted import convolution_kind

LIMITS = {
    **{f"uint{bits}": (0, 2**bits - 1) for bits in (4, 8, 16)},
    **{f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (4, 8, 16)},
}


def quantize(
    call: Call,
    x: Value,
    scale: Value,
    zero_point: Value | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    **_: Any,
) -> Value:
    """Quantize, to the zero point's type or the one asked for, uint8 by default."""
    asked = TensorProto.DataType.Name(output_dtype).lower() if output_dtype in TensorProto.DataType.values() else ""
    dtype = zero_point.dtype if zero_point is not None else asked if output_dtype else "uint8"
    if dtype not in LIMITS:
        raise NotCanonical(f"to {dtype}")
    steps = _fitted(call, x, _scales(call, scale), axis, block_size)
    zeros = _fitted(call, x, _zeros(call, zero_point, scale, dtype), axis, block_size)
    return call.add(kinds.Quantize(*LIMITS[dtype]), x, steps, zeros, dtype=dtype)


def dequantize(
    call: Call,
    x: Value,
    scale: Value,
    zero_point: Value | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
) -> Value:
    """(x - zero point) * scale."""
    steps = _fitted(call, x, _scales(call, scale), axis, block_size)
    zeros = _fitted(call, x, _zeros(call, zero_point, scale, x.dtype), axis, block_size)
    return call.add(kinds.Multiply(), _centred(call, x, zeros), steps, dtype="float32")


def convolution(
    call: Call,
    x: Value,
    x_scale: Value,
    x_zero_point: Value,
    weight: Value,
    w_scale: Value,
    w_zero_point: Value,
    y_scale: Value,
    y_zero_point: Value,
    bias: Value | None = None,
    **attributes: Any,
) -> Value:
    """QLinearConv: the convolution of centred whole numbers, divided by y's scale over x's and the weight's."""
    kind = convolution_kind(call, x, weight, **attributes)
    dtype = y_zero_point.dtype
    if dtype not in LIMITS:
        raise NotCanonical(f"to {dtype}")
    zeros = _fitted(call, weight, _zeros(call, w_zero_point, w_scale, weight.dtype), 0, 0)
    centred = _centred(call, x, _zeros(call, x_zero_point, x_scale, x.dtype))
    total = call.add(kind, centred, _centred(call, weight, zeros), bias, dtype="float32")
    step = _scales(call, y_scale).array.astype(float) / _scales(call, x_scale).array
    ratio = step.reshape(()) / _scales(call, w_scale).array if step.size == 1 else step
    steps = _fitted(call, total, Known(f"{call.name}.scale", np.asarray(ratio)), 1, 0)
    zero = _zeros(call, y_zero_point, y_scale, dtype)
    return call.add(kinds.Quantize(*LIMITS[dtype]), total, steps, zero, dtype=dtype)


def _scales(call: Call, scale: Value) -> Known:
    array = call.array("a scale", scale).astype(np.float64)
    if not (np.isfinite(array) & (array > 0)).all():
        raise BadInput(f"{call.where}: scale must be finite numbers above 0")
    return Known(f"{call.name}.scale", array)


def _zeros(call: Call, zero_point: Value | None, scale: Value, dtype: str) -> Known:
    array = np.zeros(scale.shape) if zero_point is None else call.array("a zero point", zero_point)
    if zero_point is not None and zero_point.dtype != dtype:
        raise BadInput(f"{call.where}: zero point must be of the values' type {dtype}; got {zero_point.dtype}")
    if array.shape != scale.shape and not array.size == 1 == math.prod(scale.shape):
        raise BadInput(f"{call.where}: zero point must have the scale's shape {scale.shape}; got {array.shape}")
    return Known(f"{call.name}.zero_point", array.astype(np.float32))


def _fitted(call: Call, x: Value, value: Known, axis: int, block_size: int) -> Known:
    """One number for all, or one an index of the axis, or one a block of them, so that it broadcasts to x."""
    array = value.array
    if array.size == 1:
        return Known(value.name, array.reshape(()))
    axis = call.axis(axis, len(x.shape))
    if block_size > 0 and array.ndim == len(x.shape):
        call.reading.spend(math.prod(x.shape))
        array = array.repeat(min(block_size, x.shape[axis]), axis=axis).take(
            range(x.shape[axis]), axis=axis, mode="clip"
        )
    elif array.shape == (x.shape[axis],):
        array = array.reshape(-1, *(1,) * (len(x.shape) - axis - 1))
    else:
        raise BadInput(f"{call.where}: scale must be one number or {x.shape[axis]}; got shape {array.shape}")
    return Known(value.name, array)


def _centred(call: Call, x: Value, zeros: Known) -> Value:
    if isinstance(x, Known):  # in its own type the difference could overflow
        x = Known(x.name, x.array.astype(np.float32))
    return call.add(kinds.Subtract(), x, zeros, dtype="float32") if zeros.array.any() else x
