"""The same network for images of 28 to 64 pixels: the early strides become 1, so that the last map is not a dot."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from featherlight.spec.rows import Convolution, Pool, Row, ShuffleUnit1, ShuffleUnit2
from featherlight.spec.spec import Spec, total_stride

TOTAL_STRIDE = 8
LARGEST = 64  # images of up to this many pixels a side call for it
_SMALLEST_MAP = 4  # of 28 pixels at stride 8


def small_images(spec: Spec) -> Spec:
    """`spec` with a total stride of 8 at most: strides become 1 from the first on until that holds.

    A pool whose stride becomes 1 is dropped, since its only purpose was the stride. A first kernel above 5 becomes 3,
    as it covers the same share of the image. Convolutions and pools without padding get it, so that 28 pixels leave
    4x4 and not 3x3.
    """
    excess = total_stride(spec) // TOTAL_STRIDE
    rows: list[Row] = []
    for row in spec.rows:
        stride = row.stride
        # A ShuffleNet unit's stride makes its channels: it cannot lose the one without the other.
        while excess > 1 and stride > 1 and not isinstance(row, ShuffleUnit1 | ShuffleUnit2):
            stride, excess = stride // 2, excess // 2
        if not (isinstance(row, Pool) and stride == 1):
            rows.append(_padded(_strided(row, stride), first=not rows))
    head = replace(spec.head, pool=min(spec.head.pool, _SMALLEST_MAP))
    return replace(spec, rows=tuple(rows), head=head)


def _strided(row: Row, stride: int) -> Row:
    return cast("Row", replace(cast("Convolution", row), stride=stride)) if stride != row.stride else row


def _padded(row: Row, *, first: bool) -> Row:
    match row:
        case Pool():
            return replace(row, padding=row.kernel // 2, ceil=False)
        case Convolution():
            return replace(row, kernel=3 if first and row.kernel > 5 else row.kernel, padding=None)
        case _:
            return row
