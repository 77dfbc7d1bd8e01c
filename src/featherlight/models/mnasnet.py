"""MnasNet: blocks searched for accuracy and for latency measured on a phone (Tan et al. 2019, arXiv 1807.11626)."""

from __future__ import annotations

from functools import partial
from typing import Literal, NamedTuple

from featherlight.errors import must_be
from featherlight.models.registry import Entry, register
from featherlight.spec import Convolution, InvertedResidual, Row, Spec, SqueezeExcite, Style, resize_gates, widen_rows


class Stage(NamedTuple):
    """A box of Figure 7: MBConv's expansion, kernel, channels, repeats, stride, squeeze-excite."""

    expansion: int
    kernel: int
    channels: int
    repeats: int
    stride: int
    squeeze_excite: bool = False


# Figure 7. Expansion 1 is the figure's SepConv.
A1 = (
    Stage(1, 3, 16, 1, 1),
    Stage(6, 3, 24, 2, 2),
    Stage(3, 5, 40, 3, 2, squeeze_excite=True),
    Stage(6, 3, 80, 4, 2),
    Stage(6, 3, 112, 2, 1, squeeze_excite=True),
    Stage(6, 5, 160, 3, 2, squeeze_excite=True),
    Stage(6, 3, 320, 1, 1),
)

# The authors' repository: the network found without squeeze-excite in the space.
B1 = (
    Stage(1, 3, 16, 1, 1),
    Stage(3, 3, 24, 3, 2),
    Stage(3, 5, 40, 3, 2),
    Stage(6, 5, 80, 3, 2),
    Stage(6, 3, 96, 2, 1),
    Stage(6, 5, 192, 4, 2),
    Stage(6, 3, 320, 1, 1),
)

# The authors' repository: the small network of section 5.3's scaling comparison.
SMALL = (
    Stage(1, 3, 8, 1, 1),
    Stage(3, 3, 16, 1, 2),
    Stage(6, 3, 16, 2, 2),
    Stage(6, 5, 32, 4, 2, squeeze_excite=True),
    Stage(6, 3, 32, 3, 1, squeeze_excite=True),
    Stage(6, 5, 88, 3, 2, squeeze_excite=True),
    Stage(6, 3, 144, 1, 1),
)

TABLES = {"a1": A1, "b1": B1, "small": SMALL}
STEM = {"a1": 32, "b1": 32, "small": 8}
LAST = 1280  # at every width


def mnasnet(variant: Literal["a1", "b1", "small"], width: float = 1.0, *, style: Style = Style()) -> Spec:
    """MnasNet A1 (with squeeze-excite), B1 (without) or small.

    Squeeze-excite has a quarter of the channels of its block's *input*, unlike MobileNet v3's.
    """
    if variant not in TABLES:
        raise must_be("variant", f"one of {', '.join(TABLES)}", variant)
    rows: list[Row] = [Convolution(STEM[variant], 3, stride=2)]
    channels = STEM[variant]
    for stage in TABLES[variant]:
        for index in range(stage.repeats):
            row = InvertedResidual(
                stage.channels,
                None if stage.expansion == 1 else stage.expansion * channels,
                kernel=stage.kernel,
                stride=stage.stride if index == 0 else 1,
                activation="relu",
                squeeze_excite=SqueezeExcite(channels // 4, gate="sigmoid") if stage.squeeze_excite else None,
                # The first block of A1 and B1 has no shortcut even at a width where its channels agree.
                skip=stage.expansion > 1 or variant == "small",
            )
            rows.append(row)
            channels = stage.channels
    body = resize_gates(widen_rows(tuple(rows), width, style.divisor), lambda entering, _: entering // 4)
    return Spec((*body, Convolution(LAST, 1)), style=style)


_PAPER = "Tan et al. 2019, arXiv 1807.11626"
_WIDTHS = (0.35, 0.5, 0.75, 1.0, 1.4)
register(
    Entry("mnasnet_a1", "mnasnet", _PAPER, 0.752, partial(mnasnet, "a1"), _WIDTHS),
    Entry("mnasnet_b1", "mnasnet", _PAPER, 0.745, partial(mnasnet, "b1"), _WIDTHS),
    Entry("mnasnet_small", "mnasnet", _PAPER, 0.649, partial(mnasnet, "small"), _WIDTHS),
)
