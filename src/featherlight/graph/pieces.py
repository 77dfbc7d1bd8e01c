"""Activation functions that are no kind of their own, made of kinds that are: how torch's and ONNX's are read alike."""

from __future__ import annotations

import math
from typing import Protocol, TypeVar

from featherlight.graph import kinds

T = TypeVar("T")

# Klambauer et al. 2017, equation 14: with these a normal distribution stays as it is.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


class Adds(Protocol[T]):
    """A translation's call: it gives the one output of a new operation, and makes constants of numbers."""

    def add(self, kind: kinds.Kind, *inputs: T | float) -> T:
        """That output."""


def sloped(call: Adds[T], x: T, slope: T | float) -> T:
    """Leaky ReLU: the positive part, and the negative part times a slope."""
    return _either(call, x, call.add(kinds.Multiply(), _negative(call, x), slope))


def elu(call: Adds[T], x: T, alpha: float = 1.0, scale: float = 1.0, steepness: float = 1.0) -> T:
    """Scale times the positive part, or scale alpha (exp(steepness x) - 1) below zero (Clevert et al. 2015)."""
    if (alpha, steepness) == (1.0, 1.0):
        y = call.add(kinds.Activation("elu"), x)
    else:
        below = _scaled(call, _negative(call, x), steepness)
        y = _either(call, x, _scaled(call, call.add(kinds.Activation("elu"), below), alpha))
    return _scaled(call, y, scale)


def mish(call: Adds[T], x: T) -> T:
    """X times tanh of softplus of x (Misra 2019)."""
    grown = call.add(kinds.Activation("tanh"), call.add(kinds.Activation("softplus"), x))
    return call.add(kinds.Multiply(), x, grown)


def gelu_by_tanh(call: Adds[T], x: T) -> T:
    """X / 2 times 1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)), which is x times a sigmoid (Hendrycks and Gimpel 2016)."""
    slope = math.sqrt(8 / math.pi)
    square = call.add(kinds.Multiply(), x, x)
    bent = call.add(kinds.Add(), call.add(kinds.Multiply(), square, 0.044715 * slope), slope)
    gate = call.add(kinds.Activation("sigmoid"), call.add(kinds.Multiply(), x, bent))
    return call.add(kinds.Multiply(), x, gate)


def _negative(call: Adds[T], x: T) -> T:
    return call.add(kinds.Clip(-math.inf, 0.0), x)


def _either(call: Adds[T], x: T, below: T) -> T:
    """Where x is not above zero, what is below; else x itself."""
    return call.add(kinds.Add(), call.add(kinds.Activation("relu"), x), below)


def _scaled(call: Adds[T], x: T, factor: float) -> T:
    return x if factor == 1.0 else call.add(kinds.Multiply(), x, factor)
