"""Rows of floats by vectors and a rest by single floats, and what takes a vector's lanes together."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from featherlight.compiler.code import FLOAT, Builder, Value, Vectors, larger
from featherlight.compiler.control import i64, loop

DOUBLE = ir.DoubleType()
I32 = ir.IntType(32)


def along(b: Builder, vectors: Vectors, start: Value, stop: Value, body: Callable[[Value, ir.Type], None]) -> None:
    """`body(index, kind)` for all indices from `start` to `stop`: for whole vectors of them, then one by one."""
    lanes = i64(vectors.lanes)
    whole = b.sub(stop, b.srem(b.sub(stop, start), lanes))
    with loop(b, start, whole, vectors.lanes, "vector") as index:
        body(index, vectors.type)
    with loop(b, whole, stop, name="single") as index:
        body(index, FLOAT)


def together(b: Builder, vector: Value, combine: Callable[[Builder, Value, Value], Value]) -> Value:
    """All lanes combined, halves with each other."""
    if not isinstance(vector.type, ir.VectorType):
        return vector
    count = vector.type.count
    empty = ir.Constant(vector.type, ir.Undefined)
    while count > 1:
        count //= 2
        upper = [count + lane if lane < count else lane for lane in range(vector.type.count)]
        moved = b.shuffle_vector(vector, empty, ir.Constant(ir.VectorType(I32, len(upper)), upper))
        vector = combine(b, vector, moved)
    return b.extract_element(vector, ir.Constant(I32, 0))


def add(b: Builder, left: Value, right: Value) -> Value:
    """The sum."""
    return b.fadd(left, right)


def largest(b: Builder, left: Value, right: Value) -> Value:
    """The larger of two, no number where one of them is none."""
    return b.select(b.fcmp_unordered("uno", right, right), right, larger(b, left, right))


def like(kind: ir.Type, element: ir.Type) -> ir.Type:
    """The type of as many elements."""
    return ir.VectorType(element, kind.count) if isinstance(kind, ir.VectorType) else element


def root(b: Builder, x: Value) -> Value:
    """The square root."""
    return intrinsic(b, f"llvm.sqrt.v{x.type.count}f32" if x.type != FLOAT else "llvm.sqrt.f32", x.type, x)


def double(b: Builder, x: Value) -> Value:
    """Floats in double precision."""
    return b.fpext(x, like(x.type, DOUBLE))


def single(b: Builder, x: Value) -> Value:
    """Doubles rounded to floats."""
    return b.fptrunc(x, like(x.type, FLOAT))


def intrinsic(b: Builder, name: str, result: ir.Type, *given: Value) -> Value:
    """A call of LLVM's function of that name."""
    known = b.module.globals.get(name)
    function = known or ir.Function(b.module, ir.FunctionType(result, [value.type for value in given]), name)
    return b.call(function, given)
