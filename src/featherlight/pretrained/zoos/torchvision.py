"""torchvision's networks of these families (as of release 0.28) and where it keeps their weights."""

from __future__ import annotations

from featherlight.models.alexnet import alexnet
from featherlight.models.mnasnet import mnasnet
from featherlight.models.mobilenet_v2 import mobilenet_v2
from featherlight.models.mobilenet_v3 import mobilenet_v3
from featherlight.models.resnet import resnet18, resnet34, resnet50
from featherlight.models.shufflenet_v2 import shufflenet_v2
from featherlight.models.squeezenet import squeezenet, squeezenet_1_1
from featherlight.pretrained.zoos.zoo import Layers, Layout, Twin, Zoo, expands, gated, staged
from featherlight.spec import Row, Style

_MOBILENET_V3 = Style(epsilon=1e-3, momentum=0.01)
_MNASNET = Style(momentum=1 - 0.9997)  # TensorFlow counts the share of the old statistics

_TWINS = {
    "alexnet": Twin("alexnet", alexnet()),
    "resnet18": Twin("resnet18", resnet18()),
    "resnet34": Twin("resnet34", resnet34()),
    "resnet50": Twin("resnet50", resnet50()),
    "squeezenet1_0": Twin("squeezenet_1_0", squeezenet()),
    "squeezenet1_1": Twin("squeezenet_1_1", squeezenet_1_1()),
    "mobilenet_v2": Twin("mobilenet_v2", mobilenet_v2()),
    "mobilenet_v3_large": Twin("mobilenet_v3_large", mobilenet_v3("large", style=_MOBILENET_V3)),
    "mobilenet_v3_small": Twin("mobilenet_v3_small", mobilenet_v3("small", style=_MOBILENET_V3)),
    "mnasnet0_5": Twin("mnasnet_b1", mnasnet("b1", 0.5, style=_MNASNET)),
    "mnasnet0_75": Twin("mnasnet_b1", mnasnet("b1", 0.75, style=_MNASNET)),
    "mnasnet1_0": Twin("mnasnet_b1", mnasnet("b1", style=_MNASNET)),
    "mnasnet1_3": Twin("mnasnet_b1", mnasnet("b1", 1.3, style=_MNASNET)),
    "shufflenet_v2_x0_5": Twin("shufflenet_v2", shufflenet_v2(0.5)),
    "shufflenet_v2_x1_0": Twin("shufflenet_v2", shufflenet_v2()),
    "shufflenet_v2_x1_5": Twin("shufflenet_v2", shufflenet_v2(1.5)),
    "shufflenet_v2_x2_0": Twin("shufflenet_v2", shufflenet_v2(2.0)),
}

_PAIR: Layers = {"": ("0", "1")}
_BARE: Layers = {"": ("",)}  # no norm, and the convolution is found at the path itself
_NAMED: Layers = {"": ("conv1", "bn1")}
_FIRE: Layers = {"squeeze": ("squeeze",), "expand1": ("expand1x1",), "expand3": ("expand3x3",)}
_SHUFFLE_UNIT: Layers = {
    "shortcut.0": ("branch1.0", "branch1.1"),
    "shortcut.1": ("branch1.2", "branch1.3"),
    "reduce": ("branch2.0", "branch2.1"),
    "depthwise": ("branch2.3", "branch2.4"),
    "expand": ("branch2.5", "branch2.6"),
}
_RESIDUAL: Layers = {
    "body.0": ("conv1", "bn1"),
    "body.1": ("conv2", "bn2"),
    "body.2": ("conv3", "bn3"),
    "shortcut": ("downsample.0", "downsample.1"),
}
_MNASNET_FIRST: Layers = {"depthwise": ("3", "4"), "project": ("6", "7")}
_MNASNET_BLOCK: Layers = {"expand": ("0", "1"), **_MNASNET_FIRST}


def _mobilenet_v2_block(row: Row) -> Layers:
    """The projection and its norm stand in the block's own list, the layers before them in lists of their own."""
    if expands(row):
        return {"expand": ("0.0", "0.1"), "depthwise": ("1.0", "1.1"), "project": ("2", "3")}
    return {"depthwise": ("0.0", "0.1"), "project": ("1", "2")}


def _mobilenet_v3_block(row: Row) -> Layers:
    """The layers that are there are numbered; those of squeeze-excite have names."""
    there = {"expand": expands(row), "depthwise": True, "squeeze_excite": gated(row), "project": True}
    return {
        layer: (f"{number}.fc1", f"{number}.fc2") if layer == "squeeze_excite" else (f"{number}.0", f"{number}.1")
        for number, layer in enumerate(layer for layer in there if there[layer])
    }


def _resnet(*repeats: int) -> Layout:
    blocks = ((path, _RESIDUAL) for path in staged("layer{}.{}", repeats, stage=1, block=0))
    return Layout((("", _NAMED), *blocks), ("fc",))


def _squeezenet(*fires: int) -> Layout:
    return Layout((("features.0", _BARE), *((f"features.{at}", _FIRE) for at in fires)), ("classifier.1",))


def _mobilenet_v3(blocks: int) -> Layout:
    rows = ((f"features.{at}.block", _mobilenet_v3_block) for at in range(1, blocks + 1))
    return Layout(
        (("features.0", _PAIR), *rows, (f"features.{blocks + 1}", _PAIR)),
        ("classifier.0", "classifier.3"),
    )


RESNETS = {"resnet18": _resnet(2, 2, 2, 2), "resnet34": _resnet(3, 4, 6, 3), "resnet50": _resnet(3, 4, 6, 3)}

_LAYOUTS = {
    **RESNETS,
    "alexnet": Layout(
        tuple((f"features.{at}", _BARE) for at in (0, 3, 6, 8, 10)), ("classifier.1", "classifier.4", "classifier.6")
    ),
    "squeezenet_1_0": _squeezenet(3, 4, 5, 7, 8, 9, 10, 12),
    "squeezenet_1_1": _squeezenet(3, 4, 6, 7, 9, 10, 11, 12),
    "mobilenet_v2": Layout(
        (
            ("features.0", _PAIR),
            *((f"features.{at}.conv", _mobilenet_v2_block) for at in range(1, 18)),
            ("features.18", _PAIR),
        ),
        ("classifier.1",),
    ),
    "mobilenet_v3_large": _mobilenet_v3(15),
    "mobilenet_v3_small": _mobilenet_v3(11),
    "mnasnet_b1": Layout(
        (
            ("layers", _PAIR),
            ("layers", _MNASNET_FIRST),
            *(
                (f"{path}.layers", _MNASNET_BLOCK)
                for path in staged("layers.{}.{}", (3, 3, 3, 2, 4, 1), stage=8, block=0)
            ),
            ("layers", {"": ("14", "15")}),
        ),
        ("classifier.1",),
    ),
    "shufflenet_v2": Layout(
        (
            ("conv1", _PAIR),
            *((path, _SHUFFLE_UNIT) for path in staged("stage{}.{}", (4, 8, 4), stage=2, block=0)),
            ("conv5", _PAIR),
        ),
        ("fc",),
    ),
}

TORCHVISION = Zoo(_TWINS, _LAYOUTS)
