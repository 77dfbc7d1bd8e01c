"""What NetAdapt has to beat: all widths cut at once, alike or by the size of their filters."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import replace

from featherlight.errors import BadInput
from featherlight.shrinking.carve import Weights, norms
from featherlight.shrinking.proposals import BLOCK, Clock, cuts
from featherlight.shrinking.widths import widths, with_channels
from featherlight.spec import Convolution, Row, ShuffleUnit2, Spec, out_channels, widen
from featherlight.spec.width import handing_on, nearest

STEPS = 100  # a width multiplier and a threshold are tried in hundredths


def uniform(spec: Spec, clock: Clock, goal: float) -> Spec:
    """The widest of the network's width multipliers that takes `goal` seconds or less (Howard et al. 2017, 3.3)."""
    return _first(lambda cut: thinned(spec, 1 - cut), clock, goal)


def magnitude(spec: Spec, weights: Weights, clock: Clock, goal: float, num_classes: int, in_chans: int) -> Spec:
    """The network without its smallest filters, all widths by one threshold (Li et al. 2017, section 3).

    A filter is measured by its norm over the mean norm in its width: layers differ in scale, and without that whole
    layers would go. What cannot be cut to becomes the next number of channels above that can.
    """
    ranked = []
    for width in widths(spec):
        sizes, allowed = norms(weights, spec, width), cuts(spec, width, num_classes, in_chans)
        mean = statistics.fmean(sizes) if sizes else 0.0
        ranked.append((width, [size / mean if mean else 1.0 for size in sizes], allowed))

    def thinner(threshold: float) -> Spec:
        new = spec
        for at, (width, sizes, allowed) in enumerate(ranked):
            share = sum(size > threshold for size in sizes) / len(sizes) if sizes else 1.0
            kept = min((n for n in allowed if n >= share * width.channels), default=width.channels)
            new = with_channels(new, widths(new)[at], kept)
        return new

    most = max((max(sizes) for _, sizes, _ in ranked if sizes), default=0.0)
    return _first(lambda cut: thinner(cut * most), clock, goal)


def thinned(spec: Spec, width: float) -> Spec:
    """`spec` by a width multiplier, in whole blocks of channels.

    `widen` rounds a ShuffleNet v2 to no more than halves, as its authors did, and an engine's layouts want more.
    """
    if width == 1:
        return spec
    rows: list[Row] = []
    entering = 0
    for row in widen(spec, width).rows:
        match row:
            case ShuffleUnit2():
                row = replace(row, channels=nearest(row.channels, 2 * BLOCK), middle=nearest(row.middle, BLOCK))
            case Convolution() if any(isinstance(each, ShuffleUnit2) for each in spec.rows):
                row = replace(row, channels=nearest(row.channels, BLOCK))
        rows.append(handing_on(row, entering))
        entering = out_channels(rows[-1], entering)
    return replace(spec, rows=tuple(rows))


def _first(thinner: Callable[[float], Spec], clock: Clock, goal: float) -> Spec:
    """The first of ever thinner networks that is fast enough; BadInput where none is, with the nearest one's time."""
    nearest = float("inf")
    for step in range(STEPS):
        new = thinner(step / STEPS)
        seconds = clock(new)
        if seconds <= goal:
            return new
        nearest = min(nearest, seconds)
    raise BadInput(
        f"no network of this kind takes {goal * 1e3:.4g} ms or less: the nearest takes {nearest * 1e3:.4g} ms; "
        "ask for no less than that, or begin with a faster network"
    )
