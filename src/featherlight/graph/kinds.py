"""The kinds of operation a graph is made of: one frozen record each, holding what is fixed and never what is computed.

Only canonical kinds stand here: one spelling for each meaning, and no engine's fused forms. So a fully connected layer
is always `Linear`, a global average pool is always `Mean` over the map, dropout at inference is `Identity`, flatten is
`Reshape`, and a pool's ceil mode is told by its padding. Maps are NCHW. To add a kind, add its record here and one
entry to each table in `rules/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import get_args

from featherlight.graph.activations import Function

Pair = tuple[int, int]
"""Vertical, horizontal."""

Padding = tuple[int, int, int, int]
"""Top, left, bottom, right (ONNX's order); the sides may differ, as in TensorFlow's "same" padding at stride 2."""


@dataclass(frozen=True, slots=True)
class Convolution:
    """Inputs: x (N, C, H, W), weight (O, C / groups, kernel height, kernel width) and perhaps bias (O)."""

    stride: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1


@dataclass(frozen=True, slots=True)
class Linear:
    """Inputs: x (..., I), weight (O, I) and perhaps bias (O)."""


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """Inputs: x (N, C, ...), then weight, bias, mean and variance (C); the statistics are fixed, as in inference."""

    epsilon: float = 1e-5


@dataclass(frozen=True, slots=True)
class Activation:
    """A function of each element, named in `activations.py`."""

    function: Function


@dataclass(frozen=True, slots=True)
class Clip:
    """Each element, held between low and high."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Softmax:
    """Exponentials along an axis, scaled to add up to 1."""

    axis: int


@dataclass(frozen=True, slots=True)
class LogSoftmax:
    """The logarithm of a softmax along an axis."""

    axis: int


@dataclass(frozen=True, slots=True)
class LocalResponseNorm:
    """x / (bias + alpha / size * sum of squares)^beta over `size` channels around each (Krizhevsky 2012, section 3.3).

    Channel c sees those from c - (size - 1) // 2 on; what lies outside the map counts as zero.
    """

    size: int
    alpha: float
    beta: float
    bias: float


@dataclass(frozen=True, slots=True)
class Quantize:
    """Inputs: x, scale and zero point, broadcast to x. x / scale, rounded half to even, plus zero point, within limits.

    The limits are those of a type of whole numbers; a tensor still holds them as floating point, so that a graph
    computes in one precision. Dequantizing is `Subtract` and `Multiply`.
    """

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Add:
    """a + b, broadcast."""


@dataclass(frozen=True, slots=True)
class Subtract:
    """a - b, broadcast."""


@dataclass(frozen=True, slots=True)
class Multiply:
    """a * b, broadcast."""


@dataclass(frozen=True, slots=True)
class Divide:
    """a / b, broadcast."""


@dataclass(frozen=True, slots=True)
class MaxPool:
    """The largest element of each window; padding never wins."""

    kernel: Pair
    stride: Pair
    padding: Padding = (0, 0, 0, 0)
    dilation: Pair = (1, 1)


@dataclass(frozen=True, slots=True)
class AveragePool:
    """The mean of each window; padding counts as zeros if `count_padding`, otherwise not at all."""

    kernel: Pair
    stride: Pair
    padding: Padding = (0, 0, 0, 0)
    count_padding: bool = False


@dataclass(frozen=True, slots=True)
class AdaptiveAveragePool:
    """Means of windows that need not be equal: cell i of n covers floor(i H / n) up to ceil((i + 1) H / n).

    Only where no other kind says it: equal windows are `AveragePool`, a single one is `Mean`.
    """

    size: Pair


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean over some axes, which stay with size 1 if `keep_axes`."""

    axes: tuple[int, ...]
    keep_axes: bool


@dataclass(frozen=True, slots=True)
class Concat:
    """The inputs, one after the other along an axis."""

    axis: int


@dataclass(frozen=True, slots=True)
class Split:
    """Parts of the given sizes along an axis: an output each."""

    axis: int
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """Elements start, start + step, ... below stop along an axis."""

    axis: int
    start: int
    stop: int
    step: int = 1


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same elements in the same order under another shape."""

    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Transpose:
    """Axis i of the output is axis permutation[i] of the input."""

    permutation: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ChannelShuffle:
    """Channel g * n + i of (N, groups * n, ...) becomes channel i * groups + g (Zhang et al. 2018, section 3.1)."""

    groups: int


@dataclass(frozen=True, slots=True)
class ConcatShuffleSplit:
    """The inputs joined along the channels, shuffled among `groups`, and parted again: an output for each size.

    What stands between two units of ShuffleNet v2 (Ma et al. 2018, section 3: the three "can be merged into a single
    element-wise operation").
    """

    groups: int
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pad:
    """`before` and `after` elements of a constant value added along each axis."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class Identity:
    """The input itself: dropout, clone and contiguous at inference."""


Kind = (
    Convolution
    | Linear
    | BatchNorm
    | Activation
    | Clip
    | Softmax
    | LogSoftmax
    | LocalResponseNorm
    | Quantize
    | Add
    | Subtract
    | Multiply
    | Divide
    | MaxPool
    | AveragePool
    | AdaptiveAveragePool
    | Mean
    | Concat
    | Split
    | Slice
    | Reshape
    | Transpose
    | ChannelShuffle
    | ConcatShuffleSplit
    | Pad
    | Identity
)

KINDS: tuple[type[Kind], ...] = get_args(Kind)


def label(kind: Kind) -> str:
    """What a sentence calls the kind: "average pool", or "hard swish" for an activation."""
    name = kind.function if isinstance(kind, Activation) else re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(kind).__name__)
    return name.replace("_", " ").lower()
