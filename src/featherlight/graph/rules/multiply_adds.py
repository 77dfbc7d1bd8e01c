"""How many multiply-adds an operation takes: one multiplication with its addition counts as one.

The papers' tables and the public counters count convolutions and fully connected layers, and nothing else. So do we, so
that the figures can be compared; what the rest costs shows in `bytes.py` and on the clock. A bias adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from featherlight.graph import kinds
from featherlight.graph.ir import Tensor

Tensors = tuple[Tensor, ...]


def convolution(kind: kinds.Convolution, inputs: Tensors, outputs: Tensors) -> int:
    """N O H W outputs, each a sum over (C / groups) x kernel height x kernel width products."""
    weight = inputs[1].shape
    return outputs[0].elements * weight[1] * weight[2] * weight[3]


def linear(kind: kinds.Linear, inputs: Tensors, outputs: Tensors) -> int:
    """One product for each output and each of its inputs."""
    return outputs[0].elements * inputs[1].shape[1]


MULTIPLY_ADDS: dict[type[kinds.Kind], Callable[[Any, Tensors, Tensors], int]] = {
    kinds.Convolution: convolution,
    kinds.Linear: linear,
}

_ELEMENT_WISE = "element-wise: the papers leave it out"
_POOLING = "additions or comparisons without multiplications: the papers leave it out"
_MOVING = "moves elements and computes nothing"

LEFT_OUT: dict[type[kinds.Kind], str] = {
    kinds.BatchNorm: "folds into the convolution before it",
    kinds.Activation: _ELEMENT_WISE,
    kinds.Clip: _ELEMENT_WISE,
    kinds.Softmax: _ELEMENT_WISE,
    kinds.LogSoftmax: _ELEMENT_WISE,
    kinds.LocalResponseNorm: _ELEMENT_WISE,
    kinds.Quantize: _ELEMENT_WISE,
    kinds.Add: _ELEMENT_WISE,
    kinds.Subtract: _ELEMENT_WISE,
    kinds.Multiply: _ELEMENT_WISE,
    kinds.Divide: _ELEMENT_WISE,
    kinds.MaxPool: _POOLING,
    kinds.AveragePool: _POOLING,
    kinds.AdaptiveAveragePool: _POOLING,
    kinds.Mean: _POOLING,
    kinds.Concat: _MOVING,
    kinds.Split: _MOVING,
    kinds.Slice: _MOVING,
    kinds.Reshape: _MOVING,
    kinds.Transpose: _MOVING,
    kinds.ChannelShuffle: _MOVING,
    kinds.ConcatShuffleSplit: _MOVING,
    kinds.Pad: _MOVING,
    kinds.Identity: _MOVING,
}
