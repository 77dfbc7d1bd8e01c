"""Operators on each element: activations, clipping, arithmetic, softmax."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from featherlight.errors import BadInput
from featherlight.graph import kinds, pieces
from featherlight.graph.activations import Function
from featherlight.graph.onnx_ops.call import Call, Known, NotCanonical, Value


def activation(function: Function) -> Callable[..., Value]:
    """A translation to this function."""

    def translate(call: Call, x: Value, **_: Any) -> Value:
        return call.add(kinds.Activation(function), x)

    return translate


def clip(call: Call, x: Value, min: float | Value | None = None, max: float | Value | None = None) -> Value:
    """ReLU and ReLU6 where the limits are theirs, otherwise Clip."""
    low = -math.inf if min is None else call.number("limits", min)
    high = math.inf if max is None else call.number("limits", max)
    if math.isnan(low) or math.isnan(high):
        raise BadInput(f"{call.where}: limits must be numbers; got {low} and {high}")
    # Before there was a way to leave a limit out, exporters wrote float32's largest number.
    largest = float(np.finfo(np.float32).max)
    low, high = -math.inf if low <= -largest else low, math.inf if high >= largest else high
    rectifiers: dict[tuple[float, float], Function] = {(0.0, math.inf): "relu", (0.0, 6.0): "relu6"}
    if (low, high) in rectifiers:
        return call.add(kinds.Activation(rectifiers[low, high]), x)
    return call.add(kinds.Clip(low, high), x)


def hard_sigmoid(call: Call, x: Value, *, alpha: float = 0.2, beta: float = 0.5) -> Value:
    """The papers' where slope and shift are theirs, otherwise its pieces: alpha x + beta between 0 and 1."""
    if math.isclose(alpha, 1 / 6, rel_tol=1e-6) and beta == 0.5:
        return call.add(kinds.Activation("hard_sigmoid"), x)
    return call.add(kinds.Clip(0.0, 1.0), call.add(kinds.Add(), call.add(kinds.Multiply(), x, alpha), beta))


def leaky_relu(call: Call, x: Value, *, alpha: float = 0.01) -> Value:
    """max(x, 0) + alpha min(x, 0)."""
    return pieces.sloped(call, x, alpha)


def prelu(call: Call, x: Value, slope: Value) -> Value:
    """Leaky ReLU with slopes that broadcast to x; before opset 7, from the channels on."""
    if call.opset < 7 and len(slope.shape) == 1:
        slope = call.add(kinds.Reshape((*slope.shape, *(1,) * max(0, len(x.shape) - 2))), slope)
    if np.broadcast_shapes(slope.shape, (1,) * len(x.shape)) != slope.shape and len(slope.shape) > len(x.shape):
        raise BadInput(f"{call.where}: slope must broadcast to {x.shape}; got {slope.shape}")
    return pieces.sloped(call, x, slope)


def elu(call: Call, x: Value, *, alpha: float = 1.0) -> Value:
    """Itself, or its pieces."""
    return pieces.elu(call, x, alpha)


def selu(call: Call, x: Value, *, alpha: float | None = None, gamma: float | None = None) -> Value:
    """Its pieces; before opset 6 the defaults were rounded."""
    given = (1.6732, 1.0507) if call.opset < 6 else (pieces.SELU_ALPHA, pieces.SELU_SCALE)
    return pieces.elu(call, x, given[0] if alpha is None else alpha, given[1] if gamma is None else gamma)


def celu(call: Call, x: Value, *, alpha: float = 1.0) -> Value:
    """Its pieces."""
    if not 0 < alpha < math.inf:  # below 0 the pieces' ELU would be of numbers above it
        raise BadInput(f"{call.where}: alpha must be a number above 0; got {alpha}")
    return pieces.elu(call, x, alpha, 1.0, 1 / alpha)


def mish(call: Call, x: Value) -> Value:
    """Its pieces."""
    return pieces.mish(call, x)


def gelu(call: Call, x: Value, *, approximate: str = "none") -> Value:
    """The exact one, or the pieces of the one by tanh."""
    if approximate == "tanh":
        return pieces.gelu_by_tanh(call, x)
    if approximate != "none":
        raise BadInput(f"{call.where}: approximate must be 'none' or 'tanh'; got {approximate!r}")
    return call.add(kinds.Activation("gelu"), x)


def swish(call: Call, x: Value, *, alpha: float = 1.0) -> Value:
    """X times the sigmoid of alpha x."""
    if alpha == 1.0:
        return call.add(kinds.Activation("silu"), x)
    gate = call.add(kinds.Activation("sigmoid"), call.add(kinds.Multiply(), x, alpha))
    return call.add(kinds.Multiply(), x, gate)


def softmax(kind: type[kinds.Softmax] | type[kinds.LogSoftmax]) -> Callable[..., Value]:
    """A translation to this kind. Before opset 13 all axes from the given one on (default 1) count as one."""

    def translate(call: Call, x: Value, *, axis: int | None = None) -> Value:
        rank = len(x.shape)
        if axis is None:
            axis = -1 if call.opset >= 13 else min(1, rank - 1)
        axis = call.axis(axis, rank)
        if call.opset >= 13 or axis == rank - 1:
            return call.add(kind(axis), x)
        flat = call.add(kinds.Reshape((*x.shape[:axis], math.prod(x.shape[axis:]))), x)
        return call.add(kinds.Reshape(x.shape), call.add(kind(axis), flat))

    return translate


def element_wise(kind: kinds.Kind) -> Callable[..., Value]:
    """A translation to this kind. `broadcast` and `axis` are those of opset 6, where shapes fit from the right."""

    def translate(call: Call, a: Value, b: Value, *, broadcast: int = 0, axis: int | None = None) -> Value:
        if axis is not None and b.shape:
            rank = len(a.shape)
            after = rank - call.axis(axis, rank) - len(b.shape)
            if after < 0:
                raise BadInput(f"{call.where}: axis must leave room for {b.shape}; got {axis} of {rank}")
            b = call.add(kinds.Reshape((*b.shape, *(1,) * after)), b)
        return call.add(kind, a, b)

    return translate


def sum_(call: Call, *terms: Value) -> Value:
    """One addition after the other."""
    total = terms[0]
    for term in terms[1:]:
        total = call.add(kinds.Add(), total, term)
    return total if len(terms) > 1 else call.add(kinds.Identity(), total)


def extreme(greatest: bool) -> Callable[..., Value]:
    """A translation of Max or Min: Clip where one of two operands is a known number."""

    def translate(call: Call, *operands: Value) -> Value:
        function = np.maximum if greatest else np.minimum
        if all(isinstance(each, Known) for each in operands):
            largest = operands[0]
            for each in operands[1:]:
                array = function(call.array("it", largest), call.array("it", each))
                call.reading.spend(array.size)
                largest = call.known(array)
            return largest
        if len(operands) == 1:
            return call.add(kinds.Identity(), operands[0])
        numbers = [each for each in operands if isinstance(each, Known) and each.array.size == 1]
        if len(operands) != 2 or len(numbers) != 1:
            raise NotCanonical("of computed tensors")
        x = operands[1] if operands[0] is numbers[0] else operands[0]
        if len(numbers[0].shape) > len(x.shape):
            raise NotCanonical("with a number of more dimensions")
        return clip(call, x, **{"min" if greatest else "max": numbers[0]})

    return translate


def negative(call: Call, x: Value) -> Value:
    """Minus x."""
    return call.add(kinds.Multiply(), x, -1.0) if "float" in x.dtype else call.known(-call.array("it", x))


def power(call: Call, x: Value, exponent: Value) -> Value:
    """Only squares of what is computed."""
    if isinstance(x, Known) and isinstance(exponent, Known):
        call.reading.spend(int(np.prod(np.broadcast_shapes(x.shape, exponent.shape), dtype=float)))
        return call.known(np.power(x.array.astype(np.float64), exponent.array).astype(x.dtype))
    if call.number("exponent", exponent) != 2.0:
        raise NotCanonical("other than a square")
    return call.add(kinds.Multiply(), x, x)


def local_response_norm(
    call: Call, x: Value, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0
) -> Value:
    """LRN."""
    if not 1 <= size <= 1 << 10:
        raise BadInput(f"{call.where}: size must be from 1 to {1 << 10}; got {size}")
    return call.add(kinds.LocalResponseNorm(size, alpha, beta, bias), x)
