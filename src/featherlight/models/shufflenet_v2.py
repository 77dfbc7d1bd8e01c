"""ShuffleNet v2: channel split, equal widths, concatenate-shuffle-split (Ma et al. 2018, arXiv 1807.11164)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from featherlight.errors import must_be
from featherlight.models.registry import Entry, register
from featherlight.spec import Convolution, Pool, Row, ShuffleUnit2, Spec, SqueezeExcite, Style, check_width

# Table 5: output channels of stages 2 to 4 and of the last convolution. 2x is 244 in the paper's second edition and
# in the public weights.
TABLE = {
    0.5: (48, 96, 192, 1024),
    1.0: (116, 232, 464, 1024),
    1.5: (176, 352, 704, 1024),
    2.0: (244, 488, 976, 2048),
}
REPEATS = (4, 8, 4)
STEM = 24


def shufflenet_v2(
    width: float = 1.0,
    *,
    channels: Sequence[int] | None = None,
    squeeze_excite: bool = False,
    residual: bool = False,
    style: Style = Style(),
) -> Spec:
    """ShuffleNet v2 at the paper's widths, at any other (scaled from 1x), or with any four `channels` of one's own.

    `channels` are those of stages 2 to 4, each even, and of the last convolution. `squeeze_excite` and `residual` are
    the paper's variants for large networks (section 4 and its appendix).
    """
    stages = tuple(channels) if channels is not None else TABLE.get(width) or _scaled(width)
    if len(stages) != 4 or any(number < 1 for number in stages) or any(number % 2 for number in stages[:3]):
        raise must_be("channels", "three even numbers and one more, all above 0", channels)
    rows: list[Row] = [Convolution(STEM, 3, stride=2), Pool(3, 2, padding=1)]
    for number, repeats in zip(stages[:3], REPEATS, strict=True):
        gate = SqueezeExcite(max(1, number // 32), gate="sigmoid") if squeeze_excite else None
        for index in range(repeats):
            rows.append(
                ShuffleUnit2(number, number // 2, stride=2 if index == 0 else 1, squeeze_excite=gate, residual=residual)
            )
    rows.append(Convolution(stages[3], 1))
    return Spec(tuple(rows), style=style)


def _scaled(width: float) -> tuple[int, ...]:
    check_width(width)
    halves = (round(number / 2 * width) for number in TABLE[1.0][:3])
    return (*(2 * max(1, half) for half in halves), TABLE[1.0][3] if width < 2 else TABLE[2.0][3])


_PAPER = "Ma et al. 2018, arXiv 1807.11164"
_WIDTHS = (0.25, 0.5, 1.0, 1.5, 2.0)
register(
    Entry(
        "shufflenet_v2",
        "shufflenet_v2",
        _PAPER,
        0.694,
        shufflenet_v2,
        _WIDTHS,
        others={(0.5, 224): 0.603, (1.5, 224): 0.726, (2.0, 224): 0.749},
    ),
    # The paper prints no accuracy of these at 1x; the plain network's stands in for it.
    *(
        Entry(f"shufflenet_v2_{name}", "shufflenet_v2", _PAPER, 0.694, spec, _WIDTHS, variant=True, stand_in=True)
        for name, spec in (
            ("se", partial(shufflenet_v2, squeeze_excite=True)),
            ("residual", partial(shufflenet_v2, residual=True)),
            ("se_residual", partial(shufflenet_v2, squeeze_excite=True, residual=True)),
        )
    ),
)
