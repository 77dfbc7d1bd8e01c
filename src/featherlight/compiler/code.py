"""Words to write kernels with: functions of a module, addresses in bytes, vectors of floats, loops that carry values.

A kernel for inference is `kernel(thread, threads, pointers...)`. It does the share of the work that falls to `thread`,
and computes each number in the same order of operations whatever the number of threads is.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from llvmlite import ir

from featherlight.compiler.control import I64, i64

POINTER, FLOAT, VOID = ir.PointerType(), ir.FloatType(), ir.VoidType()
_BYTE, _I32 = ir.IntType(8), ir.IntType(32)
CACHE_LINE = 64  # bytes
_FUSE = ("contract",)  # a product and a sum may become one instruction

Value: TypeAlias = ir.Value
Builder: TypeAlias = ir.IRBuilder


@dataclass(frozen=True)
class Vectors:
    """What a processor's vectors hold: floats in one, and how many of them its registers hold at once."""

    lanes: int
    registers: int

    @property
    def type(self) -> ir.Type:
        """LLVM's type of one."""
        return ir.VectorType(FLOAT, self.lanes)

    @property
    def bytes(self) -> int:
        """How many bytes of memory one fills."""
        return 4 * self.lanes

    def padded(self, count: int) -> int:
        """The least whole number of vectors' floats that holds `count`."""
        return -(-count // self.lanes) * self.lanes


@dataclass(frozen=True)
class Code:
    """A module under construction for one kind of vectors; equal functions are emitted once."""

    module: ir.Module
    vectors: Vectors
    _functions: dict[Hashable, ir.Function] = field(default_factory=dict)

    def function(
        self, key: Hashable, name: str, pointers: int, body: Callable[..., None], numbers: int = 0
    ) -> ir.Function:
        """The function of that key, of so many pointers and whole numbers, that `body(builder, *arguments)` emits.

        It is never inlined: LLVM keeps a small function's vectors in registers, and spills those of a large one.
        """
        return self._once(key, name, [POINTER] * pointers + [I64] * numbers, body)

    def kernel(self, key: Hashable, name: str, pointers: int, body: Callable[..., None]) -> ir.Function:
        """The same for a kernel, whose body takes thread and threads before the pointers."""
        return self._once(key, name, [I64, I64, *[POINTER] * pointers], body)

    def _once(self, key: Hashable, name: str, kinds: list[ir.Type], body: Callable[..., None]) -> ir.Function:
        if key not in self._functions:
            function = ir.Function(self.module, ir.FunctionType(VOID, kinds), f"{name}_{len(self._functions)}")
            function.linkage = "internal"
            function.attributes.add("noinline")
            function.attributes.add("nounwind")
            b = ir.IRBuilder(function.append_basic_block("entry"))
            body(b, *function.args)
            b.ret_void()
            self._functions[key] = function
        return self._functions[key]


def prefetch(b: Builder, pointer: Value, cache: int = 2) -> None:
    """Ask for the cache line there, into the first or second cache, without waiting for it."""
    module = b.module
    name, kinds = "llvm.prefetch.p0", [POINTER, _I32, _I32, _I32]
    fetch = module.globals.get(name) or ir.Function(module, ir.FunctionType(VOID, kinds), name)
    b.call(fetch, [pointer, *(ir.Constant(_I32, number) for number in (0, 4 - cache, 1))])  # to read; 1: data


def fence(b: Builder) -> None:
    """Keep LLVM from loading before this place what is loaded after it; no instruction, so the processor still may."""
    b.asm(ir.FunctionType(VOID, []), "", "~{memory}", [], True)


def pin(b: Builder, value: Value) -> Value:
    """The same vector behind a fence that it is computed before, so that nothing it is made of is kept for later."""
    return b.asm(ir.FunctionType(value.type, [value.type]), "", "=v,0,~{memory}", [value], True)


def at(b: Builder, pointer: Value, offset: int | Value) -> Value:
    """The address so many bytes further on."""
    if isinstance(offset, int):
        if offset == 0:
            return pointer
        offset = i64(offset)
    return b.gep(pointer, [offset], source_etype=_BYTE)


def times(b: Builder, index: Value, factor: int) -> Value:
    """An index times a constant."""
    return b.mul(index, i64(factor))


def load(b: Builder, pointer: Value, kind: ir.Type, offset: int | Value = 0) -> Value:
    """What stands there: a float or a vector of them."""
    return b.load(at(b, pointer, offset), align=4, typ=kind)


def store(b: Builder, value: Value, pointer: Value, offset: int | Value = 0) -> None:
    """Put a float or a vector there."""
    b.store(value, at(b, pointer, offset), align=4)


def fill(kind: ir.Type, number: float) -> ir.Constant:
    """A number in every lane of a type."""
    return ir.Constant(kind, [number] * kind.count if isinstance(kind, ir.VectorType) else number)


def spread(b: Builder, value: Value, kind: ir.Type) -> Value:
    """A float in every lane of a type."""
    if not isinstance(kind, ir.VectorType):
        return value
    empty = ir.Constant(kind, ir.Undefined)
    one = b.insert_element(empty, value, ir.Constant(_I32, 0))
    return b.shuffle_vector(one, empty, ir.Constant(ir.VectorType(_I32, kind.count), [0] * kind.count))


def multiply_add(b: Builder, left: Value, right: Value, added: Value) -> Value:
    """Gives left * right + added, in one instruction where the processor has it."""
    return b.fadd(b.fmul(left, right, flags=_FUSE), added, flags=_FUSE)


def larger(b: Builder, left: Value, right: Value) -> Value:
    """The larger of two, `left` where it is not a number."""
    return b.select(b.fcmp_ordered("<", left, right), right, left)


def smaller(b: Builder, left: Value, right: Value) -> Value:
    """The smaller of two, `left` where it is not a number."""
    return b.select(b.fcmp_ordered(">", left, right), right, left)


def repeat(
    b: Builder, count: int, state: Sequence[Value], body: Callable[[Sequence[Value]], Sequence[Value]]
) -> Sequence[Value]:
    """The values that `body` makes of `state`, `count` times over; they stay in registers."""
    if count == 0:
        return state
    if count == 1:
        return body(state)
    before = b.block
    again, done = (b.append_basic_block(f"repeat.{part}") for part in ("body", "done"))
    b.branch(again)
    b.position_at_end(again)
    left = b.phi(I64)
    left.add_incoming(i64(count), before)
    carried = [b.phi(value.type) for value in state]
    for phi, value in zip(carried, state, strict=True):
        phi.add_incoming(value, before)
    made = body(carried)
    fewer = b.sub(left, i64(1))
    left.add_incoming(fewer, b.block)
    for phi, value in zip(carried, made, strict=True):
        phi.add_incoming(value, b.block)
    b.cbranch(b.icmp_unsigned("!=", fewer, i64(0)), again, done)
    b.position_at_end(done)
    return made


def room(b: Builder, size: int) -> Value:
    """Memory of a thread's own, on its stack, that begins at a line of the cache; a last vector may reach beyond it."""
    with b.goto_entry_block():
        place = b.alloca(_BYTE, size=i64(size + CACHE_LINE))
    place.align = CACHE_LINE
    return b.inttoptr(b.ptrtoint(place, I64), POINTER)  # llvmlite's own pointer to bytes takes no floats


def share(b: Builder, thread: Value, threads: Value, count: int) -> tuple[Value, Value]:
    """The first of `count` things that fall to a thread, and the one after its last."""
    whole = i64(count)
    return b.udiv(b.mul(whole, thread), threads), b.udiv(b.mul(whole, b.add(thread, i64(1))), threads)


def clamp(b: Builder, value: Value, low: Value, high: Value) -> Value:
    """A whole number held between two others."""
    value = b.select(b.icmp_signed("<", value, low), low, value)
    return b.select(b.icmp_signed(">", value, high), high, value)
