"""ShuffleNet v1: grouped pointwise convolutions and the channel shuffle (Zhang et al. 2018, arXiv 1707.01083)."""

from __future__ import annotations

from functools import partial

from featherlight.errors import must_be
from featherlight.models.registry import Entry, register
from featherlight.spec import Convolution, Pool, Row, ShuffleUnit1, Spec, Style, widen_rows

# Table 1: output channels of stage 2 for g groups; stages 3 and 4 double them.
STAGE_2 = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}
REPEATS = (4, 8, 4)

# Table 2 of the later edition, 1x.
ACCURACY = {1: 0.664, 2: 0.673, 3: 0.674, 4: 0.672, 8: 0.676}
STEM = 24


def shufflenet_v1(width: float = 1.0, *, groups: int = 3, shuffle: bool = True, style: Style = Style()) -> Spec:
    """ShuffleNet v1 with 1, 2, 3, 4 or 8 groups, the paper's "ShuffleNet `width`x".

    The bottleneck is a quarter of the unit's output, and the first pointwise convolution of all is not grouped
    (section 3.2). `shuffle=False` leaves the shuffle out, for comparison (Table 3).
    """
    if groups not in STAGE_2:
        raise must_be("groups", f"one of {', '.join(map(str, STAGE_2))}", groups)
    rows: list[Row] = [Convolution(STEM, 3, stride=2), Pool(3, 2, padding=1)]
    for stage, repeats in enumerate(REPEATS):
        channels = STAGE_2[groups] << stage
        for index in range(repeats):
            unit = ShuffleUnit1(
                channels,
                middle=channels // 4,
                groups=groups,
                reduce_groups=1 if stage == index == 0 else groups,
                stride=2 if index == 0 else 1,
                shuffle=shuffle,
            )
            rows.append(unit)
    return Spec(widen_rows(tuple(rows), width), style=style)


_PAPER = "Zhang et al. 2018, arXiv 1707.01083"
register(
    *(
        Entry(
            f"shufflenet_v1_g{groups}",
            "shufflenet_v1",
            _PAPER,
            accuracy,
            partial(shufflenet_v1, groups=groups),
            widths=(0.25, 0.5, 0.75, 1.0, 1.5, 2.0),
            others={(0.5, 224): 0.568} if groups == 3 else {},
            variant=groups != 3,  # the paper's own choice for its comparisons
        )
        for groups, accuracy in ACCURACY.items()
    )
)
