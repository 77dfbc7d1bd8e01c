"""SiLU and GELU, recognised from their pieces."""

from __future__ import annotations

import math
from collections.abc import Iterator

from featherlight.graph.ir import Graph, Op
from featherlight.graph.kinds import Activation, Add, Divide
from featherlight.graph.passes.rewriting import Makers, factors, in_place_of, number, recognised


def smooth_activations(graph: Graph) -> Graph:
    """The graph with x sigmoid(x) as one SiLU, and x (1 + erf(x / sqrt 2)) / 2 as one GELU.

        x -- sigmoid -- multiply -- y                             becomes    x -- silu -- y
        `---------------'

        x -- divide by sqrt 2 -- erf -- add 1 -- multiply -- y    becomes    x -- gelu -- y
        `-- divide by 2 -------------------------'

    ONNX has no operator for the first one before opset 24, nor for the second one before 20, so most files spell them
    out. The half may stand at x, at the sum or after the product. Pieces that something else reads stay for it.

    Does not apply to other numbers, nor where a number's shape makes the result larger than x.
    """
    return recognised(graph, lambda *where: _silu(*where) or _gelu(*where))


def _silu(graph: Graph, made: Makers, op: Op) -> Op | None:
    for x, gate in factors(op):
        maker = made.get(gate)
        if maker is not None and maker.kind == Activation("sigmoid") and maker.inputs[0] == x:
            return in_place_of(graph, op, Activation("silu"), x)
    return None


def _gelu(graph: Graph, made: Makers, op: Op) -> Op | None:
    for whole, product in _scaled(graph, made, op.outputs[0]):
        for one, other in factors(made[product]) if product in made else ():
            for left, x in _scaled(graph, made, one):
                for right, gate in _scaled(graph, made, other):
                    half = math.isclose(whole * left * right, 0.5, rel_tol=1e-6)
                    if half and x in _gated(graph, made, gate):
                        return in_place_of(graph, op, Activation("gelu"), x)
    return None


def _gated(graph: Graph, made: Makers, name: str) -> Iterator[str]:
    """The x of 1 + erf(x / sqrt 2)."""
    total = made.get(name)
    if total is None or not isinstance(total.kind, Add):
        return
    for one, other in (total.inputs, total.inputs[::-1]):
        error = made.get(other)
        if number(graph, one) == 1 and error is not None and error.kind == Activation("erf"):
            for factor, x in _scaled(graph, made, error.inputs[0]):
                if math.isclose(factor, math.sqrt(0.5), rel_tol=1e-6):
                    yield x


def _scaled(graph: Graph, made: Makers, name: str) -> Iterator[tuple[float, str]]:
    """The tensor as a number times another one: 1 times itself, and what it was multiplied with or divided by."""
    yield 1.0, name
    op = made.get(name)
    if op is None:
        return
    if isinstance(op.kind, Divide) and (value := number(graph, op.inputs[1])):
        yield 1.0 / value, op.inputs[0]
    for x, factor in factors(op):
        if (value := number(graph, factor)) is not None:
            yield value, x
