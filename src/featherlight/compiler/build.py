"""A graph to a program: plan, code, image."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from featherlight.compiler import cache, image
from featherlight.compiler.child import Child
from featherlight.compiler.code import Vectors
from featherlight.compiler.emission import emit
from featherlight.compiler.instruction_set import InstructionSet, host
from featherlight.compiler.plan import make
from featherlight.compiler.plan.apart import apart
from featherlight.compiler.plan.pixels import Scaling, from_pixels
from featherlight.compiler.plan.step import Buffer, Memory, Plan, Step
from featherlight.graph import Graph, canonical
from featherlight_runtime.program import Array, Program


def plan(
    graph: Graph, instructions: InstructionSet | None = None, *, fuse: bool = True, pixels: Scaling | None = None
) -> Plan:
    """What the program of a graph will do, step by step; for the best instructions at hand where none are named.

    fuse    without it each operation is a step of its own
    pixels  the caller gives uint8 (N, H, W, C) instead of the graph's one input, and they are scaled so

    Raises BadInput for an operation that no kernel computes.
    """
    instructions = instructions or host()
    made = make.plan(canonical(graph), vectors_of(instructions), fuse=fuse)
    return made if pixels is None else from_pixels(made, pixels)


def program(
    graph: Graph, instructions: InstructionSet | None = None, *, fuse: bool = True, pixels: Scaling | None = None
) -> Program:
    """The machine code of a graph with all that it needs, compiled once and then kept; arguments as those of `plan`.

    Raises BadInput as `plan` does, Failure where LLVM gives up.
    """
    chosen = instructions or host()
    name = cache.key(graph, chosen, fuse, pixels)
    return cache.kept(name, lambda: compiled(graph, chosen, fuse=fuse, pixels=pixels))


def compiled(
    graph: Graph, instructions: InstructionSet, *, fuse: bool = True, pixels: Scaling | None = None
) -> Program:
    """The same, compiled now."""
    with Child(instructions) as child:
        made = plan(graph, instructions, fuse=fuse, pixels=pixels)
        return _compiled(made, instructions, child, "float32" if pixels is None else "uint8")


def program_apart(steps: Sequence[Step], instructions: InstructionSet) -> Program:
    """Steps of any networks in one program, to be traced, compiled once and then kept.

    See `plan.apart`, which says what it is given.
    """
    made = apart(steps, vectors_of(instructions))

    def compiled_now() -> Program:
        with Child(instructions) as child:
            return _compiled(made, instructions, child, "float32")

    places = [[(place.buffer.memory, place.buffer.bytes, place.offset) for place in step.places] for step in made.steps]
    return cache.kept(
        cache.digest_of([step.kernel for step in made.steps], places, instructions, made.inputs), compiled_now
    )


def vectors_of(instructions: InstructionSet) -> Vectors:
    """What plans are made for."""
    return Vectors(instructions.lanes, instructions.registers)


def _compiled(made: Plan, instructions: InstructionSet, child: Child, taken: str) -> Program:
    with _without_collection():
        emitted = emit(made)
    linked = image.link(child.compile(emitted.text))
    return Program(
        linked.code,
        linked.entries,
        emitted.weights,
        emitted.arena,
        tuple(Array(shape, taken) for shape in made.inputs),
        tuple(Array(shape, "float32") for shape in made.outputs),
        instructions.needs,
        tuple(label(step) for step in made.steps),
    )


@contextmanager
def _without_collection() -> Iterator[None]:
    """Without the collection of garbage, which would walk through all of a module's instructions again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def llvm_text(graph: Graph, instructions: InstructionSet | None = None, *, pixels: Scaling | None = None) -> str:
    """The module of a graph as LLVM is given it, to be read."""
    return emit(plan(graph, instructions, pixels=pixels)).text


def assembly(graph: Graph, instructions: InstructionSet | None = None, *, pixels: Scaling | None = None) -> str:
    """What the processor will run, to be read."""
    instructions = instructions or host()
    with Child(instructions, "assembly") as child:
        return child.compile(llvm_text(graph, instructions, pixels=pixels)).decode()


def table(made: Plan) -> list[dict[str, str | int]]:
    """A plan to be read: each step's kernel, what it computes, and the bytes of what it touches."""
    return [
        {
            "step": number,
            "kernel": kernel(step),
            "gives": step.ops[-1].outputs[0] if step.ops else "",
            "operations": " ".join(type(op.kind).__name__ for op in step.ops),
            "weight bytes": _bytes(each for each in step.operands if each.memory is Memory.WEIGHTS),
            "bytes read": _bytes(each for each in step.operands if each.memory is not Memory.WEIGHTS),
            "bytes written": _bytes(step.results),
        }
        for number, step in enumerate(made.steps)
    ]


def _bytes(buffers: Iterable[Buffer]) -> int:
    return sum(buffer.bytes for buffer in dict.fromkeys(buffers))


def label(step: Step) -> str:
    """What a step is called: the kernel, and the last tensor that it gives."""
    return f"{kernel(step)} {step.ops[-1].outputs[0]}" if step.ops else kernel(step)


def kernel(step: Step) -> str:
    """The name of a step's kernel."""
    return type(step.kernel).__name__.lower()
