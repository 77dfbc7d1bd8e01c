"""MobileNet v2: inverted residuals with linear bottlenecks (Sandler et al. 2018, arXiv 1801.04381)."""

from __future__ import annotations

from typing import NamedTuple

from featherlight.errors import must_be
from featherlight.models.registry import Entry, register
from featherlight.spec import Convolution, InvertedResidual, Row, Spec, Style, round_channels, widen_rows


class Stage(NamedTuple):
    """A line of Table 2: t, c, n, s."""

    expansion: int
    channels: int
    repeats: int
    stride: int


# Table 2.
TABLE = (
    Stage(1, 16, 1, 1),
    Stage(6, 24, 2, 2),
    Stage(6, 32, 3, 2),
    Stage(6, 64, 4, 2),
    Stage(6, 96, 3, 1),
    Stage(6, 160, 3, 2),
    Stage(6, 320, 1, 1),
)


def mobilenet_v2(
    width: float = 1.0, *, expansion: int | None = None, linear: bool = True, style: Style = Style()
) -> Spec:
    """MobileNet v2.

    `expansion` replaces the table's 6 in every stage that has it (1 leaves the expansion out); `linear=False` puts the
    activation behind the projection, which the paper's section 6 shows to hurt. Widths below 1 keep the last
    convolution's 1280 channels (section 4).
    """
    if expansion is not None and (not isinstance(expansion, int) or expansion < 1):
        raise must_be("expansion", "a whole number of at least 1", expansion)
    rows: list[Row] = [Convolution(32, 3, stride=2, activation="relu6")]
    channels = 32
    for stage in TABLE:
        for index in range(stage.repeats):
            t = stage.expansion if stage.expansion == 1 else expansion or stage.expansion
            expanded = None if t == 1 else t * channels
            stride = stage.stride if index == 0 else 1
            rows.append(InvertedResidual(stage.channels, expanded, stride=stride, linear=linear))
            channels = stage.channels
    body = widen_rows(tuple(rows), width, style.divisor)
    last = Convolution(max(1280, round_channels(1280 * width, style.divisor)), 1, activation="relu6")
    return Spec((*body, last), style=style)


register(
    Entry(
        "mobilenet_v2",
        "mobilenet_v2",
        "Sandler et al. 2018, arXiv 1801.04381",
        0.720,
        mobilenet_v2,
        widths=(0.35, 0.5, 0.75, 1.0, 1.4),
        others={(1.4, 224): 0.747},
    )
)
