"""Width multipliers: thinner or wider networks of the same shape (Howard et al. 2017, section 3.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from featherlight.errors import must_be
from featherlight.spec.rows import (
    Convolution,
    DepthwiseSeparable,
    Fire,
    InvertedResidual,
    Pool,
    Residual,
    Row,
    ShuffleUnit1,
    ShuffleUnit2,
    SqueezeExcite,
    out_channels,
)
from featherlight.spec.spec import Spec


def round_channels(channels: float, divisor: int = 8) -> int:
    """The multiple of `divisor` nearest to `channels`, at least `divisor`, and never more than a tenth below.

    The rule of the reference implementation of MobileNet v2.
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def widen(spec: Spec, width: float) -> Spec:
    """`spec` with every row's channels multiplied by `width`, rounded to the style's divisor; the head stays."""
    return replace(spec, rows=widen_rows(spec.rows, width, spec.style.divisor))


def check_width(width: float) -> None:
    """Raise BadInput unless `width` is a number that a network can be multiplied by."""
    if not isinstance(width, int | float) or not 0 < width < 100:
        raise must_be("width", "a number above 0 and below 100", width)


def widen_rows(rows: tuple[Row, ...], width: float, divisor: int = 8) -> tuple[Row, ...]:
    """`rows` with their channels multiplied by `width` and rounded to a multiple of `divisor`.

    Expansions keep their ratio to the block's input, squeeze-excite its ratio to what it gates. Groups keep dividing:
    ShuffleNet's units round to a multiple of what their groups need. What hands its input on makes as many as enter it.
    """
    check_width(width)
    if width == 1:
        return rows
    groups = max((row.groups for row in rows if isinstance(row, ShuffleUnit1)), default=None)
    before = after = 0
    wider: list[Row] = []
    for row in rows:
        wider.append(handing_on(_widen(row, width, divisor, groups, before, after), after, divisor))
        before, after = out_channels(row, before), out_channels(wider[-1], after)
    return tuple(wider)


def handing_on(row: Row, entering: int, divisor: int = 8) -> Row:
    """`row`, with as many channels as enter it where it cannot have others: under a bypass, in a ShuffleNet v2 stage.

    A fire's halves are then of whole multiples of `divisor`, where there are enough for both.
    """
    match row:
        case Fire(bypass="simple") if row.expand1 + row.expand3 != entering:
            multiple = divisor if entering >= 2 * divisor else 1
            first = nearest(entering * row.expand1 / (row.expand1 + row.expand3), multiple)
            first = min(first, entering - multiple)
            return replace(row, expand1=first, expand3=entering - first)
        case ShuffleUnit2(stride=1):
            return replace(row, channels=entering)
    return row


def _widen(row: Row, width: float, divisor: int, groups: int | None, before: int, after: int) -> Row:
    """One row, `width` times as wide; `before` and `after` are the channels entering the old row and the new one."""

    def scaled(channels: int, multiple: int = divisor) -> int:
        return round_channels(channels * width, multiple)

    match row:
        case Pool():
            return row
        case Convolution():
            # The channels that enter a grouped convolution must divide into its groups.
            return replace(row, channels=nearest(row.channels * width, groups) if groups else scaled(row.channels))
        case DepthwiseSeparable():
            return replace(row, channels=scaled(row.channels))
        case Fire():
            return replace(row, squeeze=scaled(row.squeeze), expand1=scaled(row.expand1), expand3=scaled(row.expand3))
        case InvertedResidual():
            expanded = None if row.expanded is None else round_channels(after * (row.expanded / before), divisor)
            gate = _widen_gate(row.squeeze_excite, row.expanded or before, expanded or after, divisor)
            return replace(row, channels=scaled(row.channels), expanded=expanded, squeeze_excite=gate)
        case ShuffleUnit1():
            most = groups or row.groups
            middle = nearest(row.middle * width, most)
            return replace(row, channels=nearest(row.channels * width, 4 * most), middle=middle)
        case ShuffleUnit2():
            half = nearest(row.channels * width / 2, 1)
            gate = _widen_gate(row.squeeze_excite, row.channels // 2, half, 1)
            return replace(row, channels=2 * half, middle=nearest(row.middle * width, 1), squeeze_excite=gate)
        case Residual():
            return replace(row, channels=scaled(row.channels), middle=scaled(row.middle))


def nearest(channels: float, multiple: int) -> int:
    """The multiple of `multiple` nearest to `channels`, at least `multiple`."""
    return max(multiple, int(channels / multiple + 0.5) * multiple)


def _widen_gate(gate: SqueezeExcite | None, before: int, after: int, divisor: int) -> SqueezeExcite | None:
    if gate is None:
        return None
    return replace(gate, channels=round_channels(after * (gate.channels / before), min(divisor, gate.channels)))


def resize_gates(rows: tuple[Row, ...], channels: Callable[[int, int], int]) -> tuple[Row, ...]:
    """`rows` with the squeeze-excite of inverted residuals set to channels(channels entering, channels gated)."""
    resized: list[Row] = []
    entering = 0
    for row in rows:
        if isinstance(row, InvertedResidual) and row.squeeze_excite:
            gate = replace(row.squeeze_excite, channels=channels(entering, row.expanded or entering))
            resized.append(replace(row, squeeze_excite=gate))
        else:
            resized.append(row)
        entering = out_channels(row, entering)
    return tuple(resized)
