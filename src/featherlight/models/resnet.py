"""ResNet, a baseline (He et al. 2016, "Deep residual learning for image recognition", arXiv 1512.03385)."""

from __future__ import annotations

from typing import NamedTuple

from featherlight.models.registry import Entry, register
from featherlight.spec import Convolution, Pool, Residual, Spec


class Stage(NamedTuple):
    """A line of Table 1, without the stage's repeats, which are what the variants differ in."""

    middle: int
    stride: int


# Table 1: conv2_x to conv5_x.
TABLE = (Stage(64, 1), Stage(128, 2), Stage(256, 2), Stage(512, 2))
REPEATS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
BOTTLENECK = {18: False, 34: False, 50: True}


def resnet(depth: int) -> Spec:
    """ResNet of 18, 34 or 50 layers."""
    bottleneck = BOTTLENECK[depth]
    rows = tuple(
        Residual(
            channels=stage.middle * (4 if bottleneck else 1),
            middle=stage.middle,
            stride=stage.stride if index == 0 else 1,
            bottleneck=bottleneck,
        )
        for stage, repeats in zip(TABLE, REPEATS[depth], strict=True)
        for index in range(repeats)
    )
    return Spec((Convolution(64, 7, stride=2), Pool(3, 2, padding=1), *rows))


def resnet18() -> Spec:
    """ResNet-18, two 3x3 convolutions a block."""
    return resnet(18)


def resnet34() -> Spec:
    """ResNet-34, two 3x3 convolutions a block."""
    return resnet(34)


def resnet50() -> Spec:
    """ResNet-50, bottleneck blocks with the stride in the 3x3 (as in the public weights)."""
    return resnet(50)


_PAPER = "He et al. 2016, arXiv 1512.03385"
register(
    Entry("resnet18", "resnet", _PAPER, 0.698, resnet18, baseline=True),
    Entry("resnet34", "resnet", _PAPER, 0.733, resnet34, baseline=True),
    Entry("resnet50", "resnet", _PAPER, 0.761, resnet50, baseline=True),
)
