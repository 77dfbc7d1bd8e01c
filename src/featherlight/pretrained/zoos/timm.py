"""timm's networks of these families (as of release 1.0.31) and where it keeps their weights."""

from __future__ import annotations

from featherlight.models.mnasnet import mnasnet
from featherlight.models.mobilenet_v1 import mobilenet_v1
from featherlight.models.mobilenet_v2 import mobilenet_v2
from featherlight.models.mobilenet_v3 import mobilenet_v3
from featherlight.models.resnet import resnet18, resnet34, resnet50
from featherlight.pretrained.zoos.torchvision import RESNETS
from featherlight.pretrained.zoos.zoo import Layers, Layout, Twin, Zoo, expands, staged
from featherlight.spec import Row, Style

# The names that begin with tf_ carry weights ported from TensorFlow, with its padding and epsilon.
_PLAIN = Style()
_TF = Style(padding="same", epsilon=1e-3)

_TWINS = {
    "resnet18": Twin("resnet18", resnet18()),
    "resnet34": Twin("resnet34", resnet34()),
    "resnet50": Twin("resnet50", resnet50()),
    "mobilenetv1_100": Twin("mobilenet_v1", mobilenet_v1()),
    "mobilenetv1_125": Twin("mobilenet_v1", mobilenet_v1(1.25)),
    "mobilenetv2_035": Twin("mobilenet_v2", mobilenet_v2(0.35)),
    "mobilenetv2_050": Twin("mobilenet_v2", mobilenet_v2(0.5)),
    "mobilenetv2_075": Twin("mobilenet_v2", mobilenet_v2(0.75)),
    "mobilenetv2_100": Twin("mobilenet_v2", mobilenet_v2()),
    "mobilenetv2_140": Twin("mobilenet_v2", mobilenet_v2(1.4)),
    "mobilenetv3_large_075": Twin("mobilenet_v3_large", mobilenet_v3("large", 0.75, style=_PLAIN)),
    "mobilenetv3_large_100": Twin("mobilenet_v3_large", mobilenet_v3("large", style=_PLAIN)),
    "mobilenetv3_small_050": Twin("mobilenet_v3_small", mobilenet_v3("small", 0.5, style=_PLAIN)),
    "mobilenetv3_small_075": Twin("mobilenet_v3_small", mobilenet_v3("small", 0.75, style=_PLAIN)),
    "mobilenetv3_small_100": Twin("mobilenet_v3_small", mobilenet_v3("small", style=_PLAIN)),
    "tf_mobilenetv3_large_075": Twin("mobilenet_v3_large", mobilenet_v3("large", 0.75, style=_TF)),
    "tf_mobilenetv3_large_100": Twin("mobilenet_v3_large", mobilenet_v3("large", style=_TF)),
    "tf_mobilenetv3_large_minimal_100": Twin(
        "mobilenet_v3_large_minimalistic", mobilenet_v3("large", minimalistic=True, style=_TF)
    ),
    "tf_mobilenetv3_small_075": Twin("mobilenet_v3_small", mobilenet_v3("small", 0.75, style=_TF)),
    "tf_mobilenetv3_small_100": Twin("mobilenet_v3_small", mobilenet_v3("small", style=_TF)),
    "tf_mobilenetv3_small_minimal_100": Twin(
        "mobilenet_v3_small_minimalistic", mobilenet_v3("small", minimalistic=True, style=_TF)
    ),
    "mnasnet_050": Twin("mnasnet_b1", mnasnet("b1", 0.5)),
    "mnasnet_075": Twin("mnasnet_b1", mnasnet("b1", 0.75)),
    "mnasnet_100": Twin("mnasnet_b1", mnasnet("b1")),
    "mnasnet_140": Twin("mnasnet_b1", mnasnet("b1", 1.4)),
    "semnasnet_050": Twin("mnasnet_a1", mnasnet("a1", 0.5)),
    "semnasnet_075": Twin("mnasnet_a1", mnasnet("a1", 0.75)),
    "semnasnet_100": Twin("mnasnet_a1", mnasnet("a1")),
    "semnasnet_140": Twin("mnasnet_a1", mnasnet("a1", 1.4)),
    "mnasnet_small": Twin("mnasnet_small", mnasnet("small")),
}

_STEM: Layers = {"": ("conv_stem", "bn1")}
_LAST: Layers = {"": ("conv_head", "bn2")}
_LAST_BLOCK: Layers = {"": ("conv", "bn1")}
_SEPARABLE: Layers = {"depthwise": ("conv_dw", "bn1"), "pointwise": ("conv_pw", "bn2")}


def _block(row: Row) -> Layers:
    """Without its expansion an inverted residual is named as the depthwise separable convolution that it then is."""
    gate = {"squeeze_excite": ("se.conv_reduce", "se.conv_expand")}
    if expands(row):
        return {
            "expand": ("conv_pw", "bn1"),
            "depthwise": ("conv_dw", "bn2"),
            "project": ("conv_pwl", "bn3"),
            **gate,
        }
    return {"depthwise": ("conv_dw", "bn1"), "project": ("conv_pw", "bn2"), **gate}


def _inverted_residuals(*repeats: int) -> Layout:
    blocks = ((path, _block) for path in staged("blocks.{}.{}", repeats, stage=0, block=0))
    return Layout((("", _STEM), *blocks, ("", _LAST)), ("classifier",))


def _mobilenet_v3(*repeats: int) -> Layout:
    blocks = ((path, _block) for path in staged("blocks.{}.{}", repeats, stage=0, block=0))
    last = (f"blocks.{len(repeats)}.0", _LAST_BLOCK)
    return Layout((("", _STEM), *blocks, last), ("conv_head", "classifier"), pointwise=("conv_head",))


_LARGE = _mobilenet_v3(1, 2, 3, 4, 2, 3)
_SMALL = _mobilenet_v3(1, 2, 3, 2, 3)

_LAYOUTS = {
    **RESNETS,
    "mobilenet_v1": Layout(
        (
            ("", _STEM),
            *((path, _SEPARABLE) for path in staged("blocks.{}.{}", (1, 2, 2, 6, 2), stage=0, block=0)),
        ),
        ("classifier",),
    ),
    "mobilenet_v2": _inverted_residuals(1, 2, 3, 4, 3, 3, 1),
    "mobilenet_v3_large": _LARGE,
    "mobilenet_v3_small": _SMALL,
    "mobilenet_v3_large_minimalistic": _LARGE,
    "mobilenet_v3_small_minimalistic": _SMALL,
    "mnasnet_a1": _inverted_residuals(1, 2, 3, 4, 2, 3, 1),
    "mnasnet_b1": _inverted_residuals(1, 3, 3, 3, 2, 4, 1),
    "mnasnet_small": _inverted_residuals(1, 1, 2, 4, 3, 3, 1),
}

TIMM = Zoo(_TWINS, _LAYOUTS)
