"""The functions of each element, on vectors of floats, as `graph/activations.py` means them."""

from __future__ import annotations

from collections.abc import Callable

from featherlight.compiler.code import Builder, Value, fill, larger, multiply_add, smaller
from featherlight.graph.activations import Function
from featherlight.graph.kinds import Activation, Clip

ElementWise = Activation | Clip


def apply(b: Builder, kind: ElementWise, x: Value) -> Value:
    """The function's value for each lane of `x`; what is not a number stays so."""
    if isinstance(kind, Clip):
        return clip(b, x, kind.low, kind.high)
    return FUNCTIONS[kind.function](b, x)


def clip(b: Builder, x: Value, low: float, high: float) -> Value:
    """`x`, held between two numbers."""
    return smaller(b, larger(b, x, fill(x.type, low)), fill(x.type, high))


def hard_sigmoid(b: Builder, x: Value) -> Value:
    """relu6(x + 3) / 6 (Howard et al. 2019, section 5.2), the division as a product that is rounded with a sum."""
    return clip(b, multiply_add(b, x, fill(x.type, 1 / 6), fill(x.type, 0.5)), 0.0, 1.0)


FUNCTIONS: dict[Function, Callable[[Builder, Value], Value]] = {
    "relu": lambda b, x: larger(b, x, fill(x.type, 0.0)),
    "relu6": lambda b, x: clip(b, x, 0.0, 6.0),
    "hard_sigmoid": hard_sigmoid,
    "hard_swish": lambda b, x: b.fmul(x, hard_sigmoid(b, x)),
}
