"""The functions of each element, on floats or vectors of them, as `graph/activations.py` means them.

Errors are those of float32's rounding, near zero and in the tails too. The polynomials are fitted as `exponential.py`
says.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from featherlight.compiler.code import Builder, Value, fill, larger, multiply_add, smaller
from featherlight.compiler.kernels.exponential import exponential, magnitude, masked, polynomial
from featherlight.graph.activations import Function
from featherlight.graph.kinds import Activation, Clip

ElementWise = Activation | Clip

MOST = (2 - 2**-23) * 2.0**127  # the largest float

_TANH = (-0.333332777, 0.133313313, -0.0537300073, 0.0206061788, -0.00566697866)  # of tanh(x), |x| <= 0.625
_ARTANH = tuple(1 / (2 * power + 1) for power in range(1, 8))  # of artanh(s) / s - 1 by s^2, |s| <= 1 / 3
_ERF = (1.12837911, -0.376123428, 0.112803169, -0.0267150551, 0.00492176181, -0.000564805989)  # of erf(x) / x, |x| <= 1
# Of exp(t^2 / 2) times the normal distribution's integral from t on, times t + 4, by (t - 4) / (t + 4); 0 <= t <= 14.
_NORMAL = (
    *(0.755285144, -0.607896626, 0.387136877, -0.186523199, 0.0604041442),
    *(-0.00752672693, -0.00351498206, 0.00157185865, 0.000184629258, -0.000129528649),
)


def apply(b: Builder, kind: ElementWise, x: Value) -> Value:
    """The function's value for each lane of `x`; what is not a number stays so."""
    if isinstance(kind, Clip):
        return clip(b, x, kind.low, kind.high)
    return FUNCTIONS[kind.function](b, x)


def clip(b: Builder, x: Value, low: float, high: float) -> Value:
    """`x`, held between two numbers; one beyond floats holds nothing."""
    low, high = (math.copysign(math.inf, bound) if abs(bound) > MOST else bound for bound in (low, high))
    return smaller(b, larger(b, x, fill(x.type, low)), fill(x.type, high))


def hard_sigmoid(b: Builder, x: Value) -> Value:
    """relu6(x + 3) / 6 (Howard et al. 2019, section 5.2), the division as a product that is rounded with a sum."""
    return clip(b, multiply_add(b, x, fill(x.type, 1 / 6), fill(x.type, 0.5)), 0.0, 1.0)


def sigmoid(b: Builder, x: Value) -> Value:
    """1 / (1 + exp(-x)), by an exponential that never overflows."""
    one = fill(x.type, 1.0)
    small = exponential(b, b.fsub(fill(x.type, 0.0), magnitude(b, x)))
    above = b.select(b.fcmp_ordered("<", x, fill(x.type, 0.0)), small, one)
    return b.fdiv(above, b.fadd(one, small))


def tanh(b: Builder, x: Value) -> Value:
    """1 - 2 / (exp(2 |x|) + 1) with x's sign; near zero, where that would cancel, a polynomial."""
    kind, size, z = x.type, magnitude(b, x), b.fmul(x, x)
    near = multiply_add(b, b.fmul(size, z), polynomial(b, z, _TANH), size)
    grown = exponential(b, b.fadd(size, size))
    far = b.fsub(fill(kind, 1.0), b.fdiv(fill(kind, 2.0), b.fadd(grown, fill(kind, 1.0))))
    return signed(b, b.select(b.fcmp_ordered("<", size, fill(kind, 0.625)), near, far), x)


def signed(b: Builder, value: Value, x: Value) -> Value:
    """The value, or minus it where `x` is below zero."""
    zero = fill(x.type, 0.0)
    return b.select(b.fcmp_ordered("<", x, zero), b.fsub(zero, value), value)


def gelu(b: Builder, x: Value) -> Value:
    """X times the normal distribution's integral up to x."""
    kind = x.type
    tail = normal_tail(b, magnitude(b, x))
    below = b.select(b.fcmp_ordered("<", x, fill(kind, 0.0)), tail, b.fsub(fill(kind, 1.0), tail))
    return b.fmul(x, below)


def erf(b: Builder, x: Value) -> Value:
    """1 - twice the tail at sqrt(2) |x|, with x's sign; near zero, where that would cancel, a polynomial."""
    kind, size = x.type, magnitude(b, x)
    near = b.fmul(size, polynomial(b, b.fmul(x, x), _ERF))
    tail = normal_tail(b, b.fmul(size, fill(kind, math.sqrt(2.0))))
    far = multiply_add(b, fill(kind, -2.0), tail, fill(kind, 1.0))
    return signed(b, b.select(b.fcmp_ordered("<", size, fill(kind, 1.0)), near, far), x)


def normal_tail(b: Builder, t: Value) -> Value:
    """The normal distribution's integral from `t`, not below 0, to infinity.

    exp(-t^2 / 2) is that of a square which is exact, since its root has few bits, and of the small difference to t^2.
    """
    kind = t.type
    t = smaller(b, t, fill(kind, 15.0))
    few = masked(b, t, ~0xFFF)
    rest = b.fmul(b.fmul(b.fsub(t, few), b.fadd(t, few)), fill(kind, -0.5))
    falling = exponential(b, b.fmul(b.fmul(few, few), fill(kind, -0.5)), rest)
    inverse = b.fdiv(fill(kind, 1.0), b.fadd(t, fill(kind, 4.0)))
    place = b.fmul(b.fsub(t, fill(kind, 4.0)), inverse)
    return b.fmul(falling, b.fmul(inverse, polynomial(b, place, _NORMAL)))


def elu(b: Builder, x: Value) -> Value:
    """X, or exp(x) - 1 below zero: 2 t / (1 - t) of t = tanh(x / 2), which cancels nowhere."""
    zero = fill(x.type, 0.0)
    half = tanh(b, b.fmul(smaller(b, x, zero), fill(x.type, 0.5)))
    below = b.fdiv(b.fadd(half, half), b.fsub(fill(x.type, 1.0), half))
    return b.fadd(larger(b, x, zero), below)


def softplus(b: Builder, x: Value) -> Value:
    """log(1 + exp(x)) as max(x, 0) + log(1 + u), where u = exp(-|x|) is at most 1.

    log(1 + u) is 2 artanh(s) of s = u / (2 + u), by as much of its series in s as a float tells.
    """
    kind = x.type
    u = exponential(b, b.fsub(fill(kind, 0.0), magnitude(b, x)))
    s = b.fdiv(u, b.fadd(u, fill(kind, 2.0)))
    z = b.fmul(s, s)
    series = multiply_add(b, b.fmul(s, z), polynomial(b, z, _ARTANH), s)
    return b.fadd(larger(b, x, fill(kind, 0.0)), b.fadd(series, series))


FUNCTIONS: dict[Function, Callable[[Builder, Value], Value]] = {
    "relu": lambda b, x: larger(b, x, fill(x.type, 0.0)),
    "relu6": lambda b, x: clip(b, x, 0.0, 6.0),
    "hard_sigmoid": hard_sigmoid,
    "hard_swish": lambda b, x: b.fmul(x, hard_sigmoid(b, x)),
    "sigmoid": sigmoid,
    "silu": lambda b, x: b.fmul(x, sigmoid(b, x)),
    "tanh": tanh,
    "gelu": gelu,
    "erf": erf,
    "elu": elu,
    "softplus": softplus,
}
