"""MobileNet v3: searched blocks, squeeze-excite, hard swish and a cheap head (Howard et al. 2019, arXiv 1905.02244)."""

from __future__ import annotations

from functools import partial
from typing import Literal, NamedTuple

from featherlight.errors import must_be
from featherlight.models.registry import Entry, register
from featherlight.spec import (
    Activation,
    Convolution,
    Head,
    InvertedResidual,
    Row,
    Spec,
    SqueezeExcite,
    Style,
    resize_gates,
    round_channels,
    widen_rows,
)


class Bottleneck(NamedTuple):
    """A bneck line of Tables 1 and 2: kernel, exp size, #out, SE, NL, s."""

    kernel: int
    expanded: int
    channels: int
    squeeze_excite: bool
    activation: Activation
    stride: int


# Table 1.
LARGE = (
    Bottleneck(3, 16, 16, False, "relu", 1),
    Bottleneck(3, 64, 24, False, "relu", 2),
    Bottleneck(3, 72, 24, False, "relu", 1),
    Bottleneck(5, 72, 40, True, "relu", 2),
    Bottleneck(5, 120, 40, True, "relu", 1),
    Bottleneck(5, 120, 40, True, "relu", 1),
    Bottleneck(3, 240, 80, False, "hard_swish", 2),
    Bottleneck(3, 200, 80, False, "hard_swish", 1),
    Bottleneck(3, 184, 80, False, "hard_swish", 1),
    Bottleneck(3, 184, 80, False, "hard_swish", 1),
    Bottleneck(3, 480, 112, True, "hard_swish", 1),
    Bottleneck(3, 672, 112, True, "hard_swish", 1),
    Bottleneck(5, 672, 160, True, "hard_swish", 2),
    Bottleneck(5, 960, 160, True, "hard_swish", 1),
    Bottleneck(5, 960, 160, True, "hard_swish", 1),
)

# Table 2.
SMALL = (
    Bottleneck(3, 16, 16, True, "relu", 2),
    Bottleneck(3, 72, 24, False, "relu", 2),
    Bottleneck(3, 88, 24, False, "relu", 1),
    Bottleneck(5, 96, 40, True, "hard_swish", 2),
    Bottleneck(5, 240, 40, True, "hard_swish", 1),
    Bottleneck(5, 240, 40, True, "hard_swish", 1),
    Bottleneck(5, 120, 48, True, "hard_swish", 1),
    Bottleneck(5, 144, 48, True, "hard_swish", 1),
    Bottleneck(5, 288, 96, True, "hard_swish", 2),
    Bottleneck(5, 576, 96, True, "hard_swish", 1),
    Bottleneck(5, 576, 96, True, "hard_swish", 1),
)

STEM = 16  # both tables' first line
THIN = 0.75  # widths below this leave the stem as it is, as in the public thin weights (timm's)
LAST = {"large": 960, "small": 576}  # the 1x1 convolution before the pool
HIDDEN = {"large": 1280, "small": 1024}  # the 1x1 convolution behind it

# The public weights' constant (torchvision's). Their momentum, 0.01, is left out: a short training would end with
# running statistics that still remember their start.
STYLE = Style(epsilon=1e-3)


def mobilenet_v3(
    size: Literal["large", "small"],
    width: float = 1.0,
    *,
    minimalistic: bool = False,
    cheap_head: bool = True,
    style: Style = STYLE,
) -> Spec:
    """MobileNet v3 large or small.

    `minimalistic` has no squeeze-excite, no hard swish and no 5x5 kernel (the authors' repository). `cheap_head` moves
    the last layer behind the pool (section 5.1); False is v2's head, for comparison: that layer and its activation on
    the whole map. The width leaves that layer as it is.
    """
    if size not in LAST:
        raise must_be("size", "one of large, small", size)
    swish: Activation = "relu" if minimalistic else "hard_swish"
    rows: list[Row] = [Convolution(STEM, 3, stride=2, activation=swish)]
    channels = STEM
    for line in LARGE if size == "large" else SMALL:
        gate = SqueezeExcite(line.expanded // 4) if line.squeeze_excite and not minimalistic else None
        row = InvertedResidual(
            line.channels,
            None if line.expanded == channels else line.expanded,
            kernel=3 if minimalistic else line.kernel,
            stride=line.stride,
            activation="relu" if minimalistic else line.activation,
            squeeze_excite=gate,
        )
        rows.append(row)
        channels = line.channels
    rows.append(Convolution(LAST[size], 1, activation=swish))
    stem, *blocks = widen_rows(tuple(rows), width, style.divisor)
    if width < THIN:
        stem = rows[0]
    # Section 5.3: squeeze-excite has a quarter of the expansion's channels, at every width.
    body = resize_gates((stem, *blocks), lambda _, expanded: round_channels(expanded / 4, style.divisor))
    if not cheap_head:
        return Spec((*body, Convolution(HIDDEN[size], 1, activation=swish)), style=style)
    return Spec(body, Head(hidden=(HIDDEN[size],), activation=swish), style)


_PAPER = "Howard et al. 2019, arXiv 1905.02244"
_WIDTHS = (0.35, 0.5, 0.75, 1.0, 1.25)
register(
    Entry(
        "mobilenet_v3_large",
        "mobilenet_v3",
        _PAPER,
        0.752,
        partial(mobilenet_v3, "large"),
        _WIDTHS,
        others={(0.75, 224): 0.733},
    ),
    Entry(
        "mobilenet_v3_small",
        "mobilenet_v3",
        _PAPER,
        0.674,
        partial(mobilenet_v3, "small"),
        _WIDTHS,
        others={(0.75, 224): 0.654},
    ),
    Entry(
        "mobilenet_v3_large_minimalistic",
        "mobilenet_v3",
        _PAPER,
        0.723,
        partial(mobilenet_v3, "large", minimalistic=True, style=Style(padding="same", epsilon=1e-3)),
        _WIDTHS,
    ),
    Entry(
        "mobilenet_v3_small_minimalistic",
        "mobilenet_v3",
        _PAPER,
        0.619,
        partial(mobilenet_v3, "small", minimalistic=True, style=Style(padding="same", epsilon=1e-3)),
        _WIDTHS,
    ),
)
