"""Steps of any networks as one plan in which none reads what another wrote: to time each of them by itself.

LLVM's process takes longer to start than a kernel takes to compile, so that many kernels share a module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from featherlight.compiler.code import Vectors
from featherlight.compiler.plan.layout import FLOAT_BYTES
from featherlight.compiler.plan.step import Buffer, Memory, Place, Plan, Step

LINE = 64  # bytes: weights begin where a program's own would


def apart(steps: Sequence[Step], vectors: Vectors) -> Plan:
    """The steps in this order, each on buffers of its own.

    Maps lie in the memory of the program, where the steps before have just been, as in a network. The weights are the
    plan's one input, an array of floats that programs may share: no time hangs on their values, and a program that
    held them would be as large as the networks.
    """
    weights: dict[Buffer, int] = {}
    size = 0
    for buffer in (place.buffer for step in steps for place in step.places):
        if buffer.memory is Memory.WEIGHTS and buffer not in weights:
            weights[buffer] = size
            size += -(-buffer.bytes // LINE) * LINE
    given = Buffer(Memory.INPUT, size + LINE, None, 0)
    made = []
    for step in steps:
        own = {place.buffer: Buffer(Memory.ARENA, place.buffer.bytes) for place in step.places}
        places = tuple(
            Place(given, weights[buffer] + offset) if buffer in weights else Place(own[buffer], offset)
            for buffer, offset in ((place.buffer, place.offset) for place in step.places)
        )
        made.append(replace(step, places=places))
    return Plan(tuple(made), vectors, ((given.bytes // FLOAT_BYTES,),), ())


def bare(step: Step) -> Step:
    """The step without the values of its weights, which may be hundreds of megabytes in some dozen networks."""
    buffers = {place.buffer: replace(place.buffer, content=None) for place in step.places}
    return replace(step, places=tuple(Place(buffers[place.buffer], place.offset) for place in step.places))
