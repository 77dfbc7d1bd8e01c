"""The activation functions, by name: what each one computes, in NumPy and float64.

This table is the meaning; how an engine or ONNX spells a function stands with the engine or in `rules/onnx.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

Function = Literal[
    "relu", "relu6", "hard_sigmoid", "hard_swish", "sigmoid", "silu", "tanh", "gelu", "erf", "elu", "softplus"
]


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), written so that no exponential overflows."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def hard_sigmoid(x: Array) -> Array:
    """relu6(x + 3) / 6 (Howard et al. 2019, section 5.2)."""
    return np.clip(x + 3.0, 0.0, 6.0) / 6.0


def gelu(x: Array) -> Array:
    """X times the normal distribution's integral up to x, exact rather than by tanh (Hendrycks and Gimpel 2016)."""
    return np.asarray(0.5 * x * (1.0 + erf(x / math.sqrt(2.0))))


def erf(x: Array) -> Array:
    """The error function."""
    return np.asarray(np.vectorize(math.erf, otypes=[float])(x))


FUNCTIONS: dict[Function, Callable[[Array], Array]] = {
    "relu": lambda x: np.maximum(x, 0.0),
    "relu6": lambda x: np.clip(x, 0.0, 6.0),
    "hard_sigmoid": hard_sigmoid,
    "hard_swish": lambda x: x * hard_sigmoid(x),
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "tanh": np.tanh,
    "gelu": gelu,
    "erf": erf,
    "elu": lambda x: np.maximum(x, 0.0) + np.expm1(np.minimum(x, 0.0)),
    "softplus": lambda x: np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))),
}
