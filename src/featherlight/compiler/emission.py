"""A plan as a module of LLVM: each kernel once, and `infer`, which calls them in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from llvmlite import ir

from featherlight.compiler.code import POINTER, VOID, Code, at
from featherlight.compiler.control import I64, i64
from featherlight.compiler.plan import arena
from featherlight.compiler.plan.step import Buffer, Memory, Place, Plan, Step
from featherlight.compiler.threads import Team
from featherlight_runtime import context as words

WEIGHTS_ALIGNMENT = 64  # bytes


@dataclass(frozen=True)
class Emitted:
    """The module's text, the weights' bytes, and how many bytes of memory it needs."""

    text: str
    weights: bytes
    arena: int


def emit(plan: Plan) -> Emitted:
    """The module of a plan, with the functions that `featherlight_runtime` calls."""
    module = ir.Module("network")
    team, code = Team(module), Code(module, plan.vectors)
    places, size = arena.place(plan.steps)
    weights, content = _weights(plan.steps)
    starts = places | weights
    infer = ir.Function(module, ir.FunctionType(VOID, [POINTER, I64]), "infer")
    infer.linkage = "internal"
    context, thread = infer.args
    b = ir.IRBuilder(infer.append_basic_block("entry"))
    threads = _word(b, context, words.THREADS)
    bases = _Bases(b, context, len(plan.inputs), starts)
    team.stamp(b, context, thread, 0)
    met = _Meetings(starts)
    for number, step in enumerate(plan.steps):
        if met.needed(step):
            team.barrier(b, context)
        b.call(step.kernel.emit(code), [thread, threads, *(bases.pointer(place) for place in step.places)])
        team.stamp(b, context, thread, number + 1)
    b.ret_void()
    team.finish(infer)
    return Emitted(str(module), content, size)


class _Bases:
    """The addresses that the context has, read once, and those of places."""

    def __init__(self, b: ir.IRBuilder, context: ir.Value, inputs: int, starts: Mapping[Buffer, int]) -> None:
        self._b, self._context, self._starts = b, context, starts
        self._first = {
            Memory.ARENA: words.ARENA,
            Memory.WEIGHTS: words.WEIGHTS,
            Memory.INPUT: words.INPUTS,
            Memory.OUTPUT: words.INPUTS + inputs,
        }
        self._read: dict[int, ir.Value] = {}

    def pointer(self, place: Place) -> ir.Value:
        word = self._first[place.buffer.memory] + place.buffer.number
        if word not in self._read:
            self._read[word] = self._b.inttoptr(_word(self._b, self._context, word), POINTER)
        return at(self._b, self._read[word], self._starts.get(place.buffer, 0) + place.offset)


class _Meetings:
    """Which steps must wait until all threads are through with those before."""

    def __init__(self, starts: Mapping[Buffer, int]) -> None:
        self._starts = starts
        self._read: list[Buffer] = []
        self._written: list[Buffer] = []

    def needed(self, step: Step) -> bool:
        """Whether a thread could meet there what another has not yet written, or write what another still reads."""
        touched = (*step.operands, *step.results)
        waits = self._any(touched, self._written) or self._any(step.results, self._read)
        if waits:
            self._read, self._written = [], []
        self._read += [buffer for buffer in step.operands if buffer.memory is not Memory.WEIGHTS]
        self._written += step.results
        return waits

    def _any(self, buffers: Iterable[Buffer], others: Iterable[Buffer]) -> bool:
        return any(self._overlap(one, other) for one in buffers for other in others)

    def _overlap(self, one: Buffer, other: Buffer) -> bool:
        if one is other or one.memory is not other.memory or one.memory is not Memory.ARENA:
            return one is other
        first, second = self._starts[one], self._starts[other]
        return first < second + other.bytes and second < first + one.bytes


def _weights(steps: Iterable[Step]) -> tuple[dict[Buffer, int], bytes]:
    """Where each constant begins, and all of them in one."""
    starts: dict[Buffer, int] = {}
    content = bytearray()
    for step in steps:
        for buffer in step.operands:
            if buffer.memory is Memory.WEIGHTS and buffer not in starts:
                content += bytes(-len(content) % WEIGHTS_ALIGNMENT)
                starts[buffer] = len(content)
                content += np.asarray(buffer.content).tobytes()
    return starts, bytes(content + bytes(WEIGHTS_ALIGNMENT))


def _word(b: ir.IRBuilder, context: ir.Value, word: int) -> ir.Value:
    return b.load(b.gep(context, [i64(word)], source_etype=I64), typ=I64)
