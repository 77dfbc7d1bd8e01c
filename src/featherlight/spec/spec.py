"""A network as data: a table of rows, a head, a style."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from featherlight.errors import BadInput, must_be
from featherlight.spec.rows import (
    ACTIVATIONS,
    Activation,
    Convolution,
    Fire,
    Row,
    ShuffleUnit1,
    ShuffleUnit2,
    out_channels,
)

VERSION = 1


@dataclass(frozen=True)
class Style:
    """What all blocks of a network have in common.

    padding   "symmetric" pads half the kernel on each side; "same" is TensorFlow's, asymmetric at stride 2
    norm      "batch" puts batch norm behind every convolution; "none" gives convolutions a bias instead
    epsilon   added to the variance by batch norm
    momentum  share of the new statistics in batch norm's running ones
    divisor   channel counts round to a multiple of this when the width changes
    """

    padding: Literal["symmetric", "same"] = "symmetric"
    norm: Literal["batch", "none"] = "batch"
    epsilon: float = 1e-5
    momentum: float = 0.1
    divisor: int = 8

    def __post_init__(self) -> None:
        if self.padding not in ("symmetric", "same"):
            raise must_be("style.padding", "one of symmetric, same", self.padding)
        if self.norm not in ("batch", "none"):
            raise must_be("style.norm", "one of batch, none", self.norm)
        if not self.epsilon > 0:
            raise must_be("style.epsilon", "above 0", self.epsilon)
        if not 0 < self.momentum <= 1:
            raise must_be("style.momentum", "above 0 and at most 1", self.momentum)
        if self.divisor < 1:
            raise must_be("style.divisor", "a whole number of at least 1", self.divisor)


@dataclass(frozen=True)
class Head:
    """What turns the last map into class scores.

    "linear": pool to `pool` x `pool`, then `hidden` layers with `activation`, then the classifier.
    "convolution": a 1x1 convolution to the classes with `activation`, then the pool (SqueezeNet).
    """

    kind: Literal["linear", "convolution"] = "linear"
    hidden: tuple[int, ...] = ()
    activation: Activation = "relu"
    pool: int = 1
    hidden_bias: bool = True
    bias: bool = True

    def __post_init__(self) -> None:
        if self.kind not in ("linear", "convolution"):
            raise must_be("head.kind", "one of linear, convolution", self.kind)
        if self.activation not in ACTIVATIONS:
            raise must_be("head.activation", f"one of {', '.join(ACTIVATIONS)}", self.activation)
        if any(width < 1 for width in self.hidden):
            raise must_be("head.hidden", "whole numbers of at least 1", self.hidden)
        if self.pool < 1:
            raise must_be("head.pool", "a whole number of at least 1", self.pool)
        if self.kind == "convolution" and (self.hidden or self.pool != 1):
            raise BadInput("head.kind 'convolution' takes neither hidden layers nor a pool above 1")


@dataclass(frozen=True)
class Spec:
    """A network, whole: everything but its weights, its classes and its input channels.

    Raises BadInput, naming the row, where a row cannot take what comes before it.
    """

    rows: tuple[Row, ...]
    head: Head = Head()
    style: Style = Style()

    def __post_init__(self) -> None:
        if not isinstance(self.rows, tuple) or not all(isinstance(row, get_args(Row)) for row in self.rows):
            raise must_be("rows", "a tuple of rows", type(self.rows).__name__)
        if not self.rows or not isinstance(self.rows[0], Convolution):
            raise BadInput("rows must begin with a convolution, which takes images of any number of channels")
        for index, row, channels in walk(self):
            _check_fits(index, row, channels)


def walk(spec: Spec) -> Iterator[tuple[int, Row, int]]:
    """Each row with its index and the channels that enter it; the first row's are those of the images, told as 0."""
    channels = 0
    for index, row in enumerate(spec.rows):
        yield index, row, channels
        channels = out_channels(row, channels)


def feature_channels(spec: Spec) -> int:
    """The channels of the last map, which the head takes."""
    channels = 0
    for row in spec.rows:
        channels = out_channels(row, channels)
    return channels


def total_stride(spec: Spec) -> int:
    """How many input pixels lie between two neighbouring pixels of the last map."""
    stride = 1
    for row in spec.rows:
        stride *= row.stride
    return stride


def _check_fits(index: int, row: Row, channels: int) -> None:
    where = f"rows[{index}] ({row.kind})"
    match row:
        case Fire(bypass="simple") if channels != out_channels(row, channels):
            made = out_channels(row, channels)
            raise must_be(f"{where}.expand1 + expand3", f"its input's {channels} under a simple bypass", made)
        case ShuffleUnit1():
            _check_shuffle_unit_1(where, row, channels)
        case ShuffleUnit2(stride=1) if channels != row.channels:
            raise must_be(f"{where}.channels", f"its input's {channels} at stride 1", row.channels)


def _check_shuffle_unit_1(where: str, row: ShuffleUnit1, channels: int) -> None:
    if row.stride == 1 and channels != row.channels:
        raise must_be(f"{where}.channels", f"its input's {channels} at stride 1", row.channels)
    if row.stride > 1 and row.channels <= channels:
        raise must_be(f"{where}.channels", f"more than its input's {channels}, which it concatenates", row.channels)
    if channels % row.reduce_groups:
        raise must_be(f"{where}.reduce_groups", f"a divisor of its input's {channels} channels", row.reduce_groups)
    made = row.channels if row.stride == 1 else row.channels - channels
    if made % row.groups:
        raise must_be(f"{where}.groups", f"a divisor of the {made} channels it makes", row.groups)
