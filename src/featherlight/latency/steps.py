"""The pieces of a network that the engine native runs: the steps of its plan.

The plan of the whole network says which kernels run, so that nothing is lost that they compute together: a block line
by line, a function or a sum at a convolution's end, a shuffle that costs nothing. A kernel's record holds all that its
code depends on; equal records share their code, and so they do their time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from featherlight.compiler.build import kernel, vectors_of
from featherlight.compiler.instruction_set import InstructionSet
from featherlight.compiler.plan import make
from featherlight.compiler.plan.apart import bare
from featherlight.compiler.plan.step import Step
from featherlight.graph import Graph, Tensor
from featherlight.graph.rules.multiply_adds import MULTIPLY_ADDS


@dataclass(frozen=True, eq=False)
class StepPiece:
    """A step of a plan, the `tensors` of its graph, and what a table asks of a piece; no map is turned beside it.

    A piece without a step is the call itself, which a network has one of.
    """

    step: Step | None
    tensors: Mapping[str, Tensor]
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The kernel's record as text."""
        return repr(self.step.kernel) if self.step else self.kind

    @property
    def kind(self) -> str:
        """The kernel's name."""
        return kernel(self.step) if self.step else "call"

    @property
    def multiply_adds(self) -> int:
        """As `cost.count` counts them."""
        ops = self.step.ops if self.step else ()
        return sum(
            MULTIPLY_ADDS[type(op.kind)](op.kind, *(tuple(self.tensors[name] for name in names)
                                                    for names in (op.inputs, op.outputs)))
            for op in ops if type(op.kind) in MULTIPLY_ADDS
        )  # fmt: skip

    @property
    def bytes_moved(self) -> int:
        """Of the maps read and written and of the weights, each once."""
        buffers = {place.buffer for place in self.step.places} if self.step else set()
        return sum(buffer.bytes for buffer in buffers)


def steps(graph: Graph, instructions: InstructionSet) -> tuple[StepPiece, ...]:
    """The pieces of a canonical graph, compiled for these instructions, in order.

    Raises BadInput for an operation that no kernel computes.
    """
    made = make.plan(graph, vectors_of(instructions))
    return (StepPiece(None, {}), *(StepPiece(bare(step), graph.tensors) for step in made.steps))
