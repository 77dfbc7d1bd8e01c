"""Hard sigmoid and hard swish, recognised from their pieces."""

from __future__ import annotations

import math

from featherlight.graph.ir import Graph, Op
from featherlight.graph.kinds import Activation, Add, Clip, Divide
from featherlight.graph.passes.rewriting import Makers, factors, in_place_of, number, recognised


def hard_swish(graph: Graph) -> Graph:
    """The graph with relu6(x + 3) / 6 as one hard sigmoid, and x times that as one hard swish.

        x -- add 3 -- relu6 -- divide by 6 -- y                   becomes    x -- hard sigmoid -- y

        x -- add 3 -- relu6 -- divide by 6 -- multiply -- y       becomes    x -- hard swish -- y
        `-------------------------------------'

    (Howard et al. 2019, section 5.2.) relu6 may be spelt as a clip from 0 to 6, the division as a product with 1/6 and
    before or after the product with x. Pieces that something else reads stay for it.

    Does not apply to other numbers, 0.2 x + 0.5 of older libraries among them, nor where a number's shape makes the
    result larger than x.
    """
    return recognised(graph, lambda *where: _hard_sigmoid(*where) or _hard_swish(*where))


def _hard_sigmoid(graph: Graph, made: Makers, op: Op) -> Op | None:
    x = _clipped_sum(graph, made, _sixfold(graph, op))
    return in_place_of(graph, op, Activation("hard_sigmoid"), x)


def _hard_swish(graph: Graph, made: Makers, op: Op) -> Op | None:
    """From x * hard_sigmoid(x), from (x * relu6(x + 3)) / 6 or from (x / 6) * relu6(x + 3)."""
    sixfold = made.get(_sixfold(graph, op) or "")
    for x, gate in factors(op):
        maker = made.get(gate)
        if maker is not None and maker.kind == Activation("hard_sigmoid") and maker.inputs[0] == x:
            return in_place_of(graph, op, Activation("hard_swish"), x)
        sixth = made.get(x)
        if sixth is not None and (whole := _sixfold(graph, sixth)) and _clipped_sum(graph, made, gate) == whole:
            return in_place_of(graph, op, Activation("hard_swish"), whole)
    for x, gate in factors(sixfold) if sixfold is not None else ():
        if _clipped_sum(graph, made, gate) == x:
            return in_place_of(graph, op, Activation("hard_swish"), x)
    return None


def _sixfold(graph: Graph, op: Op) -> str | None:
    """What the operation divides by 6."""
    if isinstance(op.kind, Divide) and number(graph, op.inputs[1]) == 6:
        return op.inputs[0]
    for x, sixth in factors(op):
        # Written in float32 it is not 1/6 to the last digit.
        if (value := number(graph, sixth)) is not None and math.isclose(value, 1 / 6, rel_tol=1e-6):
            return x
    return None


def _clipped_sum(graph: Graph, made: Makers, name: str | None) -> str | None:
    """The x of relu6(x + 3)."""
    clip = made.get(name or "")
    if clip is None or clip.kind not in (Activation("relu6"), Clip(0.0, 6.0)):
        return None
    plus = made.get(clip.inputs[0])
    if plus is None or not isinstance(plus.kind, Add):
        return None
    return next((x for x, three in (plus.inputs, plus.inputs[::-1]) if number(graph, three) == 3), None)
