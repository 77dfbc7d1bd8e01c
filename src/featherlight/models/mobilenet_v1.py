"""MobileNet v1: depthwise separable convolutions (Howard et al. 2017, arXiv 1704.04861)."""

from __future__ import annotations

from typing import NamedTuple

from featherlight.models.registry import Entry, register
from featherlight.spec import Activation, Convolution, DepthwiseSeparable, Spec, Style, widen_rows


class Line(NamedTuple):
    """A pair of lines of Table 1: depthwise, then pointwise."""

    channels: int
    stride: int
    repeats: int


# Table 1. The table prints stride 2 for the very last depthwise convolution, where its own shapes say 1.
TABLE = (
    Line(64, 1, 1),
    Line(128, 2, 1),
    Line(128, 1, 1),
    Line(256, 2, 1),
    Line(256, 1, 1),
    Line(512, 2, 1),
    Line(512, 1, 5),
    Line(1024, 2, 1),
    Line(1024, 1, 1),
)


def mobilenet_v1(width: float = 1.0, *, activation: Activation = "relu6", style: Style = Style()) -> Spec:
    """MobileNet v1. The paper has ReLU; the public weights (timm's) were trained with ReLU6, which is the default."""
    rows = tuple(
        DepthwiseSeparable(line.channels, stride=line.stride, activation=activation)
        for line in TABLE
        for _ in range(line.repeats)
    )
    stem = Convolution(32, 3, stride=2, activation=activation)
    return Spec(widen_rows((stem, *rows), width, style.divisor), style=style)


register(
    Entry(
        "mobilenet_v1",
        "mobilenet_v1",
        "Howard et al. 2017, arXiv 1704.04861",
        0.706,
        mobilenet_v1,
        widths=(0.25, 0.5, 0.75, 1.0),
        others={
            **{(0.75, 224): 0.684, (0.5, 224): 0.637, (0.25, 224): 0.506},  # Table 6
            **{(1.0, 192): 0.691, (1.0, 160): 0.672, (1.0, 128): 0.644},  # Table 7
        },
    )
)
