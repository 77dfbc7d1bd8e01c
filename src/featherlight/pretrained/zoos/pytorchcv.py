"""pytorchcv's networks of these families (as of release 0.0.74) and where it keeps their weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from featherlight.models.mnasnet import mnasnet
from featherlight.models.mobilenet_v1 import mobilenet_v1
from featherlight.models.mobilenet_v2 import mobilenet_v2
from featherlight.models.mobilenet_v3 import mobilenet_v3
from featherlight.models.shufflenet_v1 import shufflenet_v1
from featherlight.models.shufflenet_v2 import shufflenet_v2
from featherlight.models.squeezenet import squeezenet, squeezenet_1_1
from featherlight.pretrained.zoos.zoo import Layers, Layout, Twin, Zoo, staged
from featherlight.spec import Head, InvertedResidual, Pool, Style, walk


def _mobilenet_v2(width: float, *, expand_first: bool = True) -> Twin:
    """MobileNet v2 with unrounded channels and a classifier without bias.

    Its first block has a 1x1 convolution even at expansion 1, which costs 12.8 million multiply-adds at width 1; in
    the names with a "b" it has not.
    """
    made = mobilenet_v2(width, style=Style(divisor=1))
    rows = tuple(
        replace(row, expanded=channels) if isinstance(row, InvertedResidual) and row.expanded is None else row
        for _, row, channels in walk(made)
    )
    return Twin("mobilenet_v2", replace(made, rows=rows if expand_first else made.rows, head=Head(bias=False)))


def _mobilenet_v3(size: Literal["large", "small"]) -> Twin:
    """MobileNet v3 with the large network's hidden layer in both sizes, without bias."""
    made = mobilenet_v3(size, style=Style())
    return Twin(f"mobilenet_v3_{size}", replace(made, head=replace(made.head, hidden=(1280,), hidden_bias=False)))


def _shufflenet_v2(*channels: int) -> Twin:
    """ShuffleNet v2 whose pool hangs over the edge instead of being padded, and whose last layer is scaled above 1x."""
    made = shufflenet_v2(channels=channels)
    rows = tuple(replace(row, padding=0, ceil=True) if isinstance(row, Pool) else row for row in made.rows)
    return Twin("shufflenet_v2", replace(made, rows=rows))


def _shufflenet_v1(groups: int, width: float = 1.0) -> Twin:
    return Twin(f"shufflenet_v1_g{groups}", shufflenet_v1(width, groups=groups))


def _mobilenet_v1(width: float = 1.0) -> Twin:
    return Twin("mobilenet_v1", mobilenet_v1(width, activation="relu"))


_TWINS = {
    "squeezenet_v1_0": Twin("squeezenet_1_0", squeezenet()),
    "squeezenet_v1_1": Twin("squeezenet_1_1", squeezenet_1_1()),
    "squeezeresnet_v1_0": Twin("squeezenet_1_0_simple_bypass", squeezenet(bypass="simple")),
    "squeezeresnet_v1_1": Twin(
        "squeezenet_1_1", squeezenet(stem_channels=64, stem_kernel=3, downsampling="early", bypass="simple")
    ),
    "mobilenet_w1": _mobilenet_v1(),
    "mobilenet_w3d4": _mobilenet_v1(0.75),
    "mobilenet_wd2": _mobilenet_v1(0.5),
    "mobilenet_wd4": _mobilenet_v1(0.25),
    "shufflenet_g1_w1": _shufflenet_v1(1),
    "shufflenet_g2_w1": _shufflenet_v1(2),
    "shufflenet_g3_w1": _shufflenet_v1(3),
    "shufflenet_g4_w1": _shufflenet_v1(4),
    "shufflenet_g8_w1": _shufflenet_v1(8),
    "shufflenet_g1_w3d4": _shufflenet_v1(1, 0.75),
    "shufflenet_g3_w3d4": _shufflenet_v1(3, 0.75),
    "shufflenet_g1_wd2": _shufflenet_v1(1, 0.5),
    "shufflenet_g3_wd2": _shufflenet_v1(3, 0.5),
    "shufflenet_g1_wd4": _shufflenet_v1(1, 0.25),
    "shufflenet_g3_wd4": _shufflenet_v1(3, 0.25),
    "mobilenetv2_w1": _mobilenet_v2(1.0),
    "mobilenetv2_w3d4": _mobilenet_v2(0.75),
    "mobilenetv2_wd2": _mobilenet_v2(0.5),
    "mobilenetv2_wd4": _mobilenet_v2(0.25),
    "mobilenetv2b_w1": _mobilenet_v2(1.0, expand_first=False),
    "mobilenetv2b_w3d4": _mobilenet_v2(0.75, expand_first=False),
    "mobilenetv2b_wd2": _mobilenet_v2(0.5, expand_first=False),
    "mobilenetv2b_wd4": _mobilenet_v2(0.25, expand_first=False),
    "shufflenetv2_wd2": _shufflenet_v2(48, 96, 192, 1024),
    "shufflenetv2_w1": _shufflenet_v2(116, 232, 464, 1024),
    "shufflenetv2_w3d2": _shufflenet_v2(176, 352, 704, 1553),
    "shufflenetv2_w2": _shufflenet_v2(244, 488, 976, 2153),
    "mobilenetv3_small_w1": _mobilenet_v3("small"),
    "mobilenetv3_large_w1": _mobilenet_v3("large"),
    "mnasnet_a1": Twin("mnasnet_a1", mnasnet("a1")),
    "mnasnet_b1": Twin("mnasnet_b1", mnasnet("b1")),
    "mnasnet_small": Twin("mnasnet_small", mnasnet("small")),
}

_CONV: Layers = {"": ("conv", "bn")}
_BARE: Layers = {"": ("conv",)}
_FIRE: Layers = {"squeeze": ("squeeze.conv",), "expand1": ("expand1x1.conv",), "expand3": ("expand3x3.conv",)}
_SEPARABLE: Layers = {
    "depthwise": ("dw_conv.conv", "dw_conv.bn"),
    "pointwise": ("pw_conv.conv", "pw_conv.bn"),
}
_SHUFFLE_UNIT_1: Layers = {
    "reduce": ("compress_conv1", "compress_bn1"),
    "depthwise": ("dw_conv2", "dw_bn2"),
    "expand": ("expand_conv3", "expand_bn3"),
}
_SHUFFLE_UNIT_2: Layers = {
    **_SHUFFLE_UNIT_1,
    "squeeze_excite": ("se.conv1", "se.conv2"),
    "shortcut.0": ("dw_conv4", "dw_bn4"),
    "shortcut.1": ("expand_conv5", "expand_bn5"),
}
_MOBILENET_V2_BLOCK: Layers = {
    "expand": ("conv1.conv", "conv1.bn"),
    "depthwise": ("conv2.conv", "conv2.bn"),
    "project": ("conv3.conv", "conv3.bn"),
}
_MOBILENET_V3_BLOCK: Layers = {
    "expand": ("exp_conv.conv", "exp_conv.bn"),
    "depthwise": ("conv1.conv", "conv1.bn"),
    "squeeze_excite": ("se.conv1", "se.conv2"),
    "project": ("conv2.conv", "conv2.bn"),
}
_MNASNET_BLOCK: Layers = {
    "expand": ("exp_conv.conv", "exp_conv.bn"),
    "depthwise": ("dw_conv.conv", "dw_conv.bn"),
    "squeeze_excite": ("se.conv1", "se.conv2"),
    "project": ("pw_conv.conv", "pw_conv.bn"),
}


def _stages(layers: Layers, *repeats: int) -> Iterator[tuple[str, Layers]]:
    """The blocks between the first and the last: stages and units count from 1."""
    return ((path, layers) for path in staged("features.stage{}.unit{}", repeats, stage=1, block=1))


def _squeezenet(*repeats: int) -> Layout:
    return Layout((("features.init_block", _BARE), *_stages(_FIRE, *repeats)), ("output.final_conv",))


def _mobilenet_v3_layout(*repeats: int) -> Layout:
    return Layout(
        (
            ("features.init_block", _CONV),
            *_stages(_MOBILENET_V3_BLOCK, *repeats),
            ("features.final_block.conv", _CONV),
        ),
        ("output.conv1", "output.conv2"),
        pointwise=("output.conv1", "output.conv2"),
    )


def _mnasnet(*repeats: int) -> Layout:
    """The second row is counted with the first, the row before the last with the last."""
    return Layout(
        (
            ("features.init_block.conv1", _CONV),
            ("features.init_block.conv2", _MNASNET_BLOCK),
            *_stages(_MNASNET_BLOCK, *repeats),
            ("features.final_block.conv1", _MNASNET_BLOCK),
            ("features.final_block.conv2", _CONV),
        ),
        ("output",),
    )


_SHUFFLENET_V1 = Layout((("features.init_block", _CONV), *_stages(_SHUFFLE_UNIT_1, 4, 8, 4)), ("output",))
_SHUFFLENET_V2 = Layout(
    (
        ("features.init_block.conv", _CONV),
        *_stages(_SHUFFLE_UNIT_2, 4, 8, 4),
        ("features.final_block", _CONV),
    ),
    ("output",),
)

_LAYOUTS = {
    "squeezenet_1_0": _squeezenet(3, 4, 1),
    "squeezenet_1_0_simple_bypass": _squeezenet(3, 4, 1),
    "squeezenet_1_1": _squeezenet(2, 2, 4),
    "mobilenet_v1": Layout((("features.init_block", _CONV), *_stages(_SEPARABLE, 1, 2, 2, 6, 2)), ("output",)),
    "mobilenet_v2": Layout(
        (
            ("features.init_block", _CONV),
            *_stages(_MOBILENET_V2_BLOCK, 1, 2, 3, 7, 4),
            ("features.final_block", _CONV),
        ),
        ("output",),
        pointwise=("output",),
    ),
    "mobilenet_v3_large": _mobilenet_v3_layout(1, 2, 3, 6, 3),
    "mobilenet_v3_small": _mobilenet_v3_layout(1, 2, 5, 3),
    "mnasnet_a1": _mnasnet(2, 3, 6, 3),
    "mnasnet_b1": _mnasnet(3, 3, 5, 4),
    "mnasnet_small": _mnasnet(1, 2, 7, 3),
    **{f"shufflenet_v1_g{groups}": _SHUFFLENET_V1 for groups in (1, 2, 3, 4, 8)},
    "shufflenet_v2": _SHUFFLENET_V2,
    "shufflenet_v2_se": _SHUFFLENET_V2,
    "shufflenet_v2_residual": _SHUFFLENET_V2,
    "shufflenet_v2_se_residual": _SHUFFLENET_V2,
}

PYTORCHCV = Zoo(_TWINS, _LAYOUTS)
