"""Padding that stands by itself becomes the padding of what reads it."""

from __future__ import annotations

import math
from dataclasses import replace

from featherlight.graph.ir import Graph, Op
from featherlight.graph.kinds import Activation, AveragePool, Convolution, Kind, MaxPool, Pad, Padding
from featherlight.graph.passes.rewriting import makers, rebuilt

NEVER_NEGATIVE = ("relu", "relu6", "sigmoid", "hard_sigmoid")


def fold_pad(graph: Graph) -> Graph:
    """The graph with Pad of a map's sides folded into the convolutions and pools that read it.

        x -- pad(1, value 0) -- convolution(padding 0)     becomes     x -- convolution(padding 1)

    Convolutions and average pools pad with zeros; an average pool that had no padding of its own counts them from now
    on. A max pool's padding never wins, so the value must be minus infinity, or 0 where x is known to hold nothing
    below. If something else reads the padded map as well, the pad stays for it.

    Does not apply to another value, to padded channels or images, to an average pool with padding of its own that it
    does not count, nor to a pool whose padding would reach its kernel, which engines refuse.
    """
    made = makers(graph)
    return rebuilt(graph, [_folded(op, made) for op in graph.ops])


def _folded(op: Op, made: dict[str, Op]) -> Op:
    pad = made.get(op.inputs[0])
    if pad is None or not isinstance(pad.kind, Pad) or len(pad.kind.before) != 4 or any(_beside_the_map(pad.kind)):
        return op
    source = made.get(pad.inputs[0])
    kind: Kind
    match op.kind:
        case Convolution(padding=own) if pad.kind.value == 0:
            kind = replace(op.kind, padding=_sum(own, pad.kind))
        case MaxPool(kernel, padding=own) if _never_wins(pad.kind, op.kind, source) and _fits(own, pad.kind, kernel):
            kind = replace(op.kind, padding=_sum(own, pad.kind))
        case AveragePool(kernel, padding=own, count_padding=counted) if (
            pad.kind.value == 0 and (counted or not any(own)) and _fits(own, pad.kind, kernel)
        ):
            kind = replace(op.kind, padding=_sum(own, pad.kind), count_padding=True)
        case _:
            return op
    return replace(op, kind=kind, inputs=(pad.inputs[0], *op.inputs[1:]))


def _beside_the_map(pad: Pad) -> tuple[int, ...]:
    return (*pad.before[:2], *pad.after[:2])


def _sum(own: Padding, pad: Pad) -> Padding:
    top, left, bottom, right = own
    return (top + pad.before[2], left + pad.before[3], bottom + pad.after[2], right + pad.after[3])


def _fits(own: Padding, pad: Pad, kernel: tuple[int, int]) -> bool:
    return all(side < size for side, size in zip(_sum(own, pad), (*kernel, *kernel), strict=True))


def _never_wins(pad: Pad, pool: MaxPool, source: Op | None) -> bool:
    if pad.value == -math.inf:
        return True
    # A window that met nothing but padding would be 0 before and minus infinity after.
    rectified = source is not None and isinstance(source.kind, Activation) and source.kind.function in NEVER_NEGATIVE
    return pad.value == 0 and rectified and pool.dilation == (1, 1)
