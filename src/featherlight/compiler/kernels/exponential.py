"""Exponential, logarithm and powers, for each lane of a vector of floats, without a call.

A number is parted into a power of two, which is moved by its bits, and a rest near 0 or 1, for which a polynomial
stands. The polynomials' coefficients have the least relative error on their interval (found by Lawson's iteration and
rounded to float32); it is below 1e-8, so the error is that of float32's rounding.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from llvmlite import ir

from featherlight.compiler.code import FLOAT, Builder, Value, fill, larger, multiply_add, smaller

LOG2 = math.log(2.0)
_HIGH = 0.693359375  # log 2 in 9 bits, so that a whole number times it is exact, and what is missing
_LOW = LOG2 - _HIGH
_ROUND = 1.5 * 2.0**23  # a float near it has no places behind the point
_EXPONENTIAL = (0.49999994, 0.166665152, 0.0416684486, 0.00836932287, 0.00138133427)  # of exp(r), |r| <= log(2) / 2
_LOGARITHM = (0.666667759, 0.399775743, 0.298709333)  # of log((1 + s) / (1 - s)), |s| <= 3 - sqrt(8)
_I32 = ir.IntType(32)


def exponential(b: Builder, x: Value, rest: Value | None = None) -> Value:
    """exp(x), or exp(x + rest) of a small `rest` without rounding the sum; 0 and infinity beyond floats."""
    kind = x.type
    x = smaller(b, larger(b, x, fill(kind, -105.0)), fill(kind, 89.0))
    whole = x if rest is None else b.fadd(x, rest)
    rounded = multiply_add(b, whole, fill(kind, 1 / LOG2), fill(kind, _ROUND))
    whole = b.fsub(rounded, fill(kind, _ROUND))
    r = multiply_add(b, whole, fill(kind, -_HIGH), x)
    r = multiply_add(b, whole, fill(kind, -_LOW), r)
    if rest is not None:
        r = b.fadd(r, rest)
    return _scaled(b, _near_one(b, r), b.sub(bits(b, rounded), _whole(kind, _bits_of(_ROUND))))


def logarithm(b: Builder, x: Value) -> Value:
    """The natural logarithm of a number above 0: -infinity of 0, no number of one below."""
    power, part = _parts(b, x)
    kind = x.type
    value = multiply_add(b, power, fill(kind, _LOW), part)
    value = multiply_add(b, power, fill(kind, _HIGH), value)
    return _at_the_ends(b, x, value, -math.inf, math.inf)


def power(b: Builder, x: Value, exponent: float) -> Value:
    """`x` to a constant power, where `x` is not below 0; no number where it is."""
    kind = x.type
    if exponent == 0.0:
        return fill(kind, 1.0)
    if exponent == 1.0:
        return x
    # exponent * log2(x) as a whole number and a rest: of the exponent's first 12 bits, times x's power of two, exactly.
    two, part = _parts(b, x)
    head = _of_few_bits(exponent)
    large = smaller(b, larger(b, b.fmul(two, fill(kind, head)), fill(kind, -400.0)), fill(kind, 400.0))
    first = _rounded(b, large)
    rest = b.fmul(part, fill(kind, exponent / LOG2))
    rest = multiply_add(b, two, fill(kind, exponent - head), rest)
    rest = b.fadd(b.fsub(large, first), rest)
    second = _rounded(b, rest)
    value = _near_one(b, b.fmul(b.fsub(rest, second), fill(kind, LOG2)))
    twos = smaller(b, larger(b, b.fadd(first, second), fill(kind, -252.0)), fill(kind, 254.0))
    value = _scaled(b, value, b.fptosi(twos, _whole_type(kind)))
    ends = (0.0, math.inf) if exponent > 0 else (math.inf, 0.0)
    return _at_the_ends(b, x, value, *ends)


def polynomial(b: Builder, x: Value, coefficients: Sequence[float]) -> Value:
    """The sum of coefficients[i] * x^i."""
    *lower, value = (fill(x.type, coefficient) for coefficient in coefficients)
    for coefficient in reversed(lower):
        value = multiply_add(b, value, x, coefficient)
    return value


def bits(b: Builder, x: Value) -> Value:
    """Floats as whole numbers of 32 bits."""
    return b.bitcast(x, _whole_type(x.type))


def masked(b: Builder, x: Value, mask: int) -> Value:
    """Floats with only those bits that stand in `mask`."""
    return b.bitcast(b.and_(bits(b, x), _whole(x.type, mask)), x.type)


def magnitude(b: Builder, x: Value) -> Value:
    """Floats without their sign."""
    return masked(b, x, 0x7FFFFFFF)


def _near_one(b: Builder, r: Value) -> Value:
    """exp(r) for |r| at most half of log 2, or a little more."""
    higher = b.fmul(b.fmul(r, r), polynomial(b, r, _EXPONENTIAL))
    return b.fadd(fill(r.type, 1.0), b.fadd(r, higher))


def _scaled(b: Builder, x: Value, twos: Value) -> Value:
    """`x` times two to a whole power of -252 to 254: in two steps, as the power itself may be beyond floats."""
    half = b.ashr(twos, ir.Constant(twos.type, _each(twos.type, 1)))
    for part in (half, b.sub(twos, half)):
        biased = b.add(part, ir.Constant(twos.type, _each(twos.type, 127)))
        x = b.fmul(x, b.bitcast(b.shl(biased, ir.Constant(twos.type, _each(twos.type, 23))), x.type))
    return x


def _parts(b: Builder, x: Value) -> tuple[Value, Value]:
    """What makes up log(x) of a number above 0: its power of two, and the logarithm of the rest from 0.7 to 1.4."""
    kind = x.type
    tiny = b.fcmp_ordered("<", x, fill(kind, 2.0**-126))
    x = b.select(tiny, b.fmul(x, fill(kind, 2.0**24)), x)
    first = _bits_of(math.sqrt(0.5))
    above = b.sub(bits(b, x), _whole(kind, first))
    twos = b.ashr(above, _whole(kind, 23))
    rest = b.bitcast(b.add(b.and_(above, _whole(kind, 0x7FFFFF)), _whole(kind, first)), kind)
    s = b.fdiv(b.fsub(rest, fill(kind, 1.0)), b.fadd(rest, fill(kind, 1.0)))
    z = b.fmul(s, s)
    part = multiply_add(b, b.fmul(s, z), polynomial(b, z, _LOGARITHM), b.fadd(s, s))
    two = b.sitofp(twos, kind)
    return b.select(tiny, b.fsub(two, fill(kind, 24.0)), two), part


def _at_the_ends(b: Builder, x: Value, value: Value, of_zero: float, of_infinity: float) -> Value:
    kind = x.type
    value = b.select(b.fcmp_ordered("==", x, fill(kind, 0.0)), fill(kind, of_zero), value)
    value = b.select(b.fcmp_ordered("==", x, fill(kind, math.inf)), fill(kind, of_infinity), value)
    return b.select(b.fcmp_ordered(">=", x, fill(kind, 0.0)), value, fill(kind, math.nan))


def _rounded(b: Builder, x: Value) -> Value:
    return b.fsub(b.fadd(x, fill(x.type, _ROUND)), fill(x.type, _ROUND))


def _of_few_bits(number: float) -> float:
    """The number's first 12 bits."""
    mantissa, twos = math.frexp(number)
    return math.ldexp(math.trunc(mantissa * 2**12), twos - 12)


def _bits_of(number: float) -> int:
    return int(struct.unpack("<i", struct.pack("<f", number))[0])


def _whole_type(kind: ir.Type) -> ir.Type:
    return _I32 if kind == FLOAT else ir.VectorType(_I32, kind.count)


def _whole(kind: ir.Type, number: int) -> ir.Constant:
    """A whole number in every lane of a type of floats."""
    whole = _whole_type(kind)
    return ir.Constant(whole, _each(whole, number))


def _each(kind: ir.Type, number: int) -> int | list[int]:
    return [number] * kind.count if isinstance(kind, ir.VectorType) else number
