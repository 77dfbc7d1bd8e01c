"""A network is data: typed rows, a head and a style; and the functions from Spec to Spec."""

from featherlight.spec.json import from_json, to_json
from featherlight.spec.rows import (
    Activation,
    Bypass,
    Convolution,
    DepthwiseSeparable,
    Fire,
    InvertedResidual,
    Pool,
    Residual,
    Row,
    ShuffleUnit1,
    ShuffleUnit2,
    SqueezeExcite,
    out_channels,
)
from featherlight.spec.small_images import small_images
from featherlight.spec.spec import Head, Spec, Style, feature_channels, total_stride, walk
from featherlight.spec.width import check_width, resize_gates, round_channels, widen, widen_rows

__all__ = [
    "Activation",
    "Bypass",
    "Convolution",
    "DepthwiseSeparable",
    "Fire",
    "Head",
    "InvertedResidual",
    "Pool",
    "Residual",
    "Row",
    "ShuffleUnit1",
    "ShuffleUnit2",
    "Spec",
    "SqueezeExcite",
    "Style",
    "check_width",
    "feature_channels",
    "from_json",
    "out_channels",
    "resize_gates",
    "round_channels",
    "small_images",
    "to_json",
    "total_stride",
    "walk",
    "widen",
    "widen_rows",
]
