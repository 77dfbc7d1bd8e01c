"""Operators on each element: activations, clipping, arithmetic, softmax, and those that change nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from featherlight.graph import kinds, pieces
from featherlight.graph.activations import Function
from featherlight.graph.aten.call import Call, NotCanonical


def activation(function: Function) -> Callable[..., str]:
    """A translation to this function."""

    def translate(call: Call, x: str) -> str:
        return call.add(kinds.Activation(function), x)

    return translate


def clamp(call: Call, x: str, min: float | str | None = None, max: float | str | None = None) -> str:
    """ReLU and ReLU6 where the limits are theirs, otherwise Clip."""
    if isinstance(min, str) or isinstance(max, str):
        raise NotCanonical("with limits that are tensors")
    low, high = -math.inf if min is None else float(min), math.inf if max is None else float(max)
    rectifiers: dict[tuple[float, float], Function] = {(0.0, math.inf): "relu", (0.0, 6.0): "relu6"}
    if (low, high) in rectifiers:
        return call.add(kinds.Activation(rectifiers[low, high]), x)
    return call.add(kinds.Clip(low, high), x)


def hardtanh(call: Call, x: str, min_val: float, max_val: float) -> str:
    """Torch's other name for clamp."""
    return clamp(call, x, min_val, max_val)


def gelu(call: Call, x: str, approximate: str) -> str:
    """The exact one, or the pieces of the one by tanh."""
    return call.add(kinds.Activation("gelu"), x) if approximate == "none" else pieces.gelu_by_tanh(call, x)


def leaky_relu(call: Call, x: str, negative_slope: float) -> str:
    """Its pieces."""
    return pieces.sloped(call, x, float(negative_slope))


def prelu(call: Call, x: str, weight: str) -> str:
    """Leaky ReLU with a slope for all channels, or one for each."""
    after = len(call.shape(x)) - 2
    slope = call.add(kinds.Reshape((*call.shape(weight), *(1,) * after)), weight) if after > 0 else weight
    return pieces.sloped(call, x, slope)


def elu(call: Call, x: str, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> str:
    """Itself, or its pieces, whose ELU is of numbers that are not above zero."""
    if input_scale < 0:
        raise NotCanonical(f"with an input scale of {input_scale:g}, below 0")
    return pieces.elu(call, x, float(alpha), float(scale), float(input_scale))


def selu(call: Call, x: str) -> str:
    """Its pieces."""
    return pieces.elu(call, x, pieces.SELU_ALPHA, pieces.SELU_SCALE)


def celu(call: Call, x: str, alpha: float) -> str:
    """ELU with a steepness."""
    return elu(call, x, alpha, 1.0, 1 / alpha)


def mish(call: Call, x: str) -> str:
    """Its pieces."""
    return pieces.mish(call, x)


def softplus(call: Call, x: str, beta: float, threshold: float) -> str:
    """log(1 + exp(beta x)) / beta; above the threshold torch takes x, which is the same in float32 if it is high."""
    if threshold < 17:
        raise NotCanonical(f"with a threshold of {threshold:g}, below 17")
    if beta == 1:
        return call.add(kinds.Activation("softplus"), x)
    steep = call.add(kinds.Activation("softplus"), call.add(kinds.Multiply(), x, float(beta)))
    return call.add(kinds.Multiply(), steep, 1 / beta)


def log_sigmoid(call: Call, x: str) -> str:
    """Minus the softplus of minus x."""
    below = call.add(kinds.Activation("softplus"), call.add(kinds.Multiply(), x, -1.0))
    return call.add(kinds.Multiply(), below, -1.0)


def softmax(call: Call, x: str, dim: int, **_: Any) -> str:
    """Softmax along an axis."""
    return call.add(kinds.Softmax(dim % len(call.shape(x))), x)


def element_wise(kind: kinds.Kind) -> Callable[..., str]:
    """A translation to this kind; `alpha` multiplies the second operand."""

    def translate(call: Call, x: str, other: str | float, alpha: float = 1, rounding_mode: str | None = None) -> str:
        if rounding_mode is not None:
            raise NotCanonical(f"rounded by {rounding_mode}")
        if alpha != 1:
            other = other * alpha if not isinstance(other, str) else call.add(kinds.Multiply(), other, alpha)
        return call.add(kind, x, other)

    return translate


def reversed_subtract(call: Call, x: str, other: str | float, alpha: float = 1) -> str:
    """Other - alpha x."""
    return call.add(kinds.Subtract(), other, x if alpha == 1 else call.add(kinds.Multiply(), x, alpha))


def dropout(call: Call, x: str, train: bool, **_: Any) -> str:
    """Nothing, in evaluation mode."""
    if train:
        raise NotCanonical("in training")
    return call.add(kinds.Identity(), x)


def identity(call: Call, x: str, **_: Any) -> str:
    """The same values, whatever torch does with memory."""
    return call.add(kinds.Identity(), x)


def full(call: Call, fill_value: float, **_: Any) -> str:
    """A constant."""
    return call.builder.constant(call.name, np.full(call.shapes[0], fill_value, dtype=np.float32))


def filled(value: float) -> Callable[..., str]:
    """A translation to a constant that holds one value throughout."""

    def translate(call: Call, **_: Any) -> str:
        return full(call, value)

    return translate
