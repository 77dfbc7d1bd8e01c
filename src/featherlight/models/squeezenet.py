"""SqueezeNet: AlexNet's accuracy with 50 times fewer parameters (Iandola et al. 2016, arXiv 1602.07360)."""

from __future__ import annotations

from functools import partial
from typing import Literal, get_args

from featherlight.errors import must_be
from featherlight.models.registry import Entry, register
from featherlight.spec import Bypass, Convolution, Fire, Head, Pool, Row, Spec, Style, widen_rows

FIRES = 8  # fire2 to fire9

# After which Fire modules the maps are halved, fire2 being 0. "Late" is Table 1's (strategy 3 of section 3.1: large
# maps for longer); "early" is SqueezeNet 1.1's, of the authors' repository.
POOL_AFTER = {"late": (2, 6), "early": (1, 3)}


def squeezenet(
    width: float = 1.0,
    *,
    stem_channels: int = 96,
    stem_kernel: int = 7,
    downsampling: Literal["late", "early"] = "late",
    bypass: Bypass = "none",
    base: int = 128,
    increment: int = 128,
    frequency: int = 2,
    share_3x3: float = 0.5,
    squeeze_ratio: float = 0.125,
) -> Spec:
    """SqueezeNet as a point of the paper's design space (section 5.1); the defaults are Table 1's SqueezeNet 1.0.

    Fire module i expands to base + increment * floor(i / frequency) channels, of which `share_3x3` come from 3x3
    filters, and squeezes to `squeeze_ratio` of them. Bypasses go round every second module, "complex" ones round the
    others too (section 6).
    """
    if downsampling not in POOL_AFTER:
        raise must_be("downsampling", f"one of {', '.join(POOL_AFTER)}", downsampling)
    if bypass not in get_args(Bypass):
        raise must_be("bypass", f"one of {', '.join(get_args(Bypass))}", bypass)
    if not 0 < share_3x3 < 1:
        raise must_be("share_3x3", "between 0 and 1", share_3x3)
    if frequency < 1:
        raise must_be("frequency", "a whole number of at least 1", frequency)
    rows: list[Row] = [Convolution(stem_channels, stem_kernel, stride=2, padding=0), Pool(3, 2, ceil=True)]
    for index in range(FIRES):
        expand = base + increment * (index // frequency)
        expand3 = round(expand * share_3x3)
        skip: Bypass = "none" if bypass == "none" else "simple" if index % 2 else bypass
        if bypass == "simple" and index % 2 == 0:
            skip = "none"
        rows.append(Fire(round(expand * squeeze_ratio), expand - expand3, expand3, skip))
        if index in POOL_AFTER[downsampling]:
            rows.append(Pool(3, 2, ceil=True))
    return Spec(widen_rows(tuple(rows), width), Head("convolution"), Style(norm="none"))


def squeezenet_1_1(width: float = 1.0) -> Spec:
    """SqueezeNet 1.1: a smaller stem and earlier pools, 2.4 times fewer multiply-adds at the same accuracy."""
    return squeezenet(width, stem_channels=64, stem_kernel=3, downsampling="early")


_PAPER = "Iandola et al. 2016, arXiv 1602.07360"
_WIDTHS = (0.25, 0.5, 1.0)
register(
    # 1.1 has the accuracy of 1.0 at 2.4 times fewer multiply-adds.
    Entry("squeezenet_1_0", "squeezenet", _PAPER, 0.575, squeezenet, _WIDTHS, variant=True),
    Entry("squeezenet_1_1", "squeezenet", _PAPER, 0.575, squeezenet_1_1, _WIDTHS),
    # Its sums grow from module to module: after 120 steps on Fashion-MNIST it stood at 52 %, 1.1 at 79 %.
    Entry(
        "squeezenet_1_0_simple_bypass",
        "squeezenet",
        _PAPER,
        0.604,
        partial(squeezenet, bypass="simple"),
        _WIDTHS,
        variant=True,
    ),
    Entry(
        "squeezenet_1_0_complex_bypass",
        "squeezenet",
        _PAPER,
        0.588,
        partial(squeezenet, bypass="complex"),
        _WIDTHS,
        variant=True,
    ),
)
