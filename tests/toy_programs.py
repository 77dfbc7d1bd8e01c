"""Small compiled networks that prove what the runtime does: what each computes is plain to see."""

from __future__ import annotations

import functools

import numpy as np
from llvmlite import ir

from featherlight.compiler import image, llvm
from featherlight.compiler.control import I64, i64, loop, span
from featherlight.compiler.instruction_set import SSE2
from featherlight.compiler.threads import Team
from featherlight_runtime import Array, Program, context

POINTER, FLOAT = ir.PointerType(), ir.FloatType()


@functools.cache
def mirror(count: int = 100, rounds: int = 1, weight: float = 1.0) -> Program:
    """A program whose result shows whether all threads met.

    As often as `rounds` says, the row is mirrored and `weight` is added to it: each thread makes its share of the row
    from another thread's share, and all meet after each round. So x comes out, mirrored if `rounds` is odd, plus rounds
    * weight.
    """
    module = ir.Module("toy")
    infer = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, I64]), "infer")
    infer.linkage = "internal"
    team = Team(module)
    ctx, thread = infer.args
    b = ir.IRBuilder(infer.append_basic_block("entry"))

    def word(place: int) -> ir.Value:
        return b.load(b.gep(ctx, [i64(place)], source_etype=I64), typ=I64)

    def at(base: ir.Value, index: ir.Value) -> ir.Value:
        return b.gep(b.inttoptr(base, POINTER), [index], source_etype=FLOAT)

    arena, weights, x, out = (word(context.BASES + place) for place in range(4))
    added = b.load(at(weights, i64(0)), typ=FLOAT)
    first, end = span(b, thread, word(context.THREADS), i64(count))
    team.stamp(b, ctx, thread, 0)
    with loop(b, first, end) as i:
        b.store(b.load(at(x, i), typ=FLOAT), at(arena, i))
    team.barrier(b, ctx)
    team.stamp(b, ctx, thread, 1)
    with loop(b, i64(0), i64(rounds), name="round") as turn:
        here = b.add(arena, b.mul(b.and_(turn, i64(1)), i64(4 * count)))
        there = b.add(arena, b.mul(b.and_(b.add(turn, i64(1)), i64(1)), i64(4 * count)))
        with loop(b, first, end) as i:
            value = b.load(at(here, b.sub(i64(count - 1), i)), typ=FLOAT)
            b.store(b.fadd(value, added), at(there, i))
        team.barrier(b, ctx)
    team.stamp(b, ctx, thread, 2)
    last = b.add(arena, i64(4 * count * (rounds % 2)))
    with loop(b, first, end) as i:
        b.store(b.load(at(last, i), typ=FLOAT), at(out, i))
    team.stamp(b, ctx, thread, 3)
    b.ret_void()
    team.finish(infer)
    linked = image.link(llvm.object_code(str(module), llvm.machine(SSE2)))
    return Program(
        code=linked.code,
        entries=linked.entries,
        weights=np.array([weight], np.float32).tobytes(),
        arena=8 * count,
        inputs=(Array((count,), "float32"),),
        outputs=(Array((count,), "float32"),),
        instructions=SSE2.needs,
        steps=("copy in", "rounds", "copy out"),
        about={"classes": ["cat", "dog"]},
    )
