"""Loops that look like loops: kernels are written with these and never touch a basic block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from llvmlite import ir

I64 = ir.IntType(64)


def i64(value: int) -> ir.Constant:
    """A constant of 64 bits."""
    return ir.Constant(I64, value)


@contextmanager
def loop(
    b: ir.IRBuilder, start: ir.Value, stop: ir.Value, step: int | ir.Value = 1, name: str = "i"
) -> Iterator[ir.Value]:
    """The block's instructions for each index from `start` on, by `step`, as long as it is below `stop`."""
    by = i64(step) if isinstance(step, int) else step
    before = b.block
    head, body, done = (b.append_basic_block(f"{name}.{part}") for part in ("head", "body", "done"))
    b.branch(head)
    b.position_at_end(head)
    index = b.phi(I64, name)
    index.add_incoming(start, before)
    b.cbranch(b.icmp_signed("<", index, stop), body, done)
    b.position_at_end(body)
    yield index
    index.add_incoming(b.add(index, by), b.block)
    b.branch(head)
    b.position_at_end(done)


def least(b: ir.IRBuilder, left: ir.Value, right: ir.Value) -> ir.Value:
    """The smaller of two whole numbers."""
    return b.select(b.icmp_signed("<", left, right), left, right)


def span(b: ir.IRBuilder, part: ir.Value, parts: ir.Value, count: ir.Value) -> tuple[ir.Value, ir.Value]:
    """The first of `count` things that fall to a part, and the one after its last."""
    return b.sdiv(b.mul(count, part), parts), b.sdiv(b.mul(count, b.add(part, i64(1))), parts)


def at_least(b: ir.IRBuilder, low: ir.Value, value: ir.Value) -> ir.Value:
    """The larger of two whole numbers."""
    return b.select(b.icmp_signed("<", value, low), low, value)


def variable(b: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """A place that holds `value` until another is stored there; LLVM keeps it in a register."""
    with b.goto_entry_block():
        place = b.alloca(value.type)
    b.store(value, place)
    return place
