"""Floats in memory and in registers: LANES of them, or one where a row ends."""

from __future__ import annotations

from collections.abc import Iterator

from llvmlite import ir

from featherlight.compiler.control import i64, loop
from featherlight.compiler.training.kernel import POINTER

LANES = 8
FLOAT, DOUBLE = ir.FloatType(), ir.DoubleType()
_FUSE = ("contract",)  # a product and a sum may become one instruction


def columns(b: ir.IRBuilder, first: ir.Value, end: ir.Value) -> Iterator[tuple[int, ir.Value]]:
    """Loops from `first` to `end`, vectors and then what is left of them: how many lanes, and where they begin."""
    middle = b.sub(end, b.srem(b.sub(end, first), i64(LANES)))
    for lanes, start, stop in ((LANES, first, middle), (1, middle, end)):
        with loop(b, start, stop, lanes, "column") as column:
            yield lanes, column


def typed(kind: ir.Type, lanes: int) -> ir.Type:
    """That many lanes of a kind."""
    return kind if lanes == 1 else ir.VectorType(kind, lanes)


def lanes_of(value: ir.Value) -> int:
    """How many lanes a value has."""
    count: int = value.type.count if isinstance(value.type, ir.VectorType) else 1
    return count


def read(b: ir.IRBuilder, base: ir.Value, index: ir.Value, lanes: int, kind: ir.Type = FLOAT) -> ir.Value:
    """What stands from `index` on at the address `base`."""
    return b.load(_at(b, base, index, kind), align=_size(kind), typ=typed(kind, lanes))


def write(b: ir.IRBuilder, base: ir.Value, index: ir.Value, value: ir.Value) -> None:
    """Put a value there."""
    kind = value.type.element if isinstance(value.type, ir.VectorType) else value.type
    b.store(value, _at(b, base, index, kind), align=_size(kind))


def like(value: ir.Value, number: float) -> ir.Constant:
    """A number in every lane of a value such as this."""
    return filled(value.type, number)


def filled(kind: ir.Type, number: float) -> ir.Constant:
    """A number in every lane of a type."""
    return ir.Constant(kind, [number] * kind.count if isinstance(kind, ir.VectorType) else number)


def double(b: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """The floats as float64."""
    return b.fpext(value, typed(DOUBLE, lanes_of(value)))


def multiply(b: ir.IRBuilder, left: ir.Value, right: ir.Value) -> ir.Value:
    """Gives left * right, which may be rounded together with a sum that takes it."""
    return b.fmul(left, right, flags=_FUSE)


def plus(b: ir.IRBuilder, left: ir.Value, right: ir.Value) -> ir.Value:
    """Gives left + right, which may be rounded together with a product in it."""
    return b.fadd(left, right, flags=_FUSE)


def multiply_add(b: ir.IRBuilder, left: ir.Value, right: ir.Value, added: ir.Value) -> ir.Value:
    """Gives left * right + added, in one instruction where the processor has it."""
    return plus(b, multiply(b, left, right), added)


def _at(b: ir.IRBuilder, base: ir.Value, index: ir.Value, kind: ir.Type) -> ir.Value:
    return b.gep(b.inttoptr(base, POINTER), [index], source_etype=kind)


def _size(kind: ir.Type) -> int:
    return 8 if kind == DOUBLE else 4
