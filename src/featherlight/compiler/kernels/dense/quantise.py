"""Rounding to steps of a scale, in double precision: a float's error would turn a number between two steps over."""

from __future__ import annotations

from featherlight.compiler.code import Builder, Value, fill
from featherlight.compiler.kernels.activation import clip
from featherlight.compiler.kernels.dense.lanes import double, single
from featherlight.graph.kinds import Quantize

_ROUND = 1.5 * 2.0**52  # a double near it has no places behind the point; sums are rounded half to even
_MOST = 2.0**40  # beyond every limit of a type of whole numbers, and rounded exactly


def quantise(b: Builder, kind: Quantize, x: Value, scale: Value, zero_point: Value) -> Value:
    """X / scale, rounded half to even, plus the zero point, within limits; what is not a number stays so."""
    steps = clip(b, b.fdiv(double(b, x), double(b, scale)), -_MOST, _MOST)
    rounding = fill(steps.type, _ROUND)
    whole = b.fsub(b.fadd(steps, rounding), rounding)
    return single(b, clip(b, b.fadd(whole, double(b, zero_point)), kind.low, kind.high))
