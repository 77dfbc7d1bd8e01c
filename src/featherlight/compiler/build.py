"""A graph to a program: plan, code, image."""

from __future__ import annotations

from featherlight.compiler import image, llvm
from featherlight.compiler.code import Vectors
from featherlight.compiler.emission import emit
from featherlight.compiler.instruction_set import InstructionSet, host
from featherlight.compiler.plan.make import plan
from featherlight.compiler.plan.step import Step
from featherlight.graph import Graph, canonical
from featherlight_runtime.program import Array, Program


def program(graph: Graph, instructions: InstructionSet | None = None, *, fuse: bool = True) -> Program:
    """The machine code of a graph with all that it needs; for the best instructions at hand where none are named.

    Raises BadInput for an operation that no kernel computes.
    """
    instructions = instructions or host()
    vectors = Vectors(instructions.lanes, instructions.registers)
    planned = plan(canonical(graph), vectors, fuse=fuse)
    emitted = emit(planned)
    linked = image.link(llvm.object_code(emitted.text, llvm.machine(instructions)))
    return Program(
        linked.code,
        linked.entries,
        emitted.weights,
        emitted.arena,
        tuple(Array(shape, "float32") for shape in planned.inputs),
        tuple(Array(shape, "float32") for shape in planned.outputs),
        instructions.needs,
        tuple(label(step) for step in planned.steps),
    )


def label(step: Step) -> str:
    """What a step is called: the kernel, and the first operation that it computes."""
    name = type(step.kernel).__name__.lower()
    return f"{name} {step.ops[-1].outputs[0]}" if step.ops else name
