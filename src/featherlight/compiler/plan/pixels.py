"""A plan whose caller gives pixels, not what the network takes: its first step makes the one of the other."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from featherlight.compiler.kernels.pixels import Planes
from featherlight.compiler.plan.planner import SLACK
from featherlight.compiler.plan.step import Buffer, Memory, Place, Plan, Step


class Scaling(NamedTuple):
    """What becomes of a pixel of 0 to 255 in each channel: it is multiplied by `scale`, and `shift` is added."""

    scale: tuple[float, ...]
    shift: tuple[float, ...]


def from_pixels(plan: Plan, scaling: Scaling) -> Plan:
    """The plan for pixels uint8 (N, H, W, C), where `plan` takes one input of float32 (N, C, H, W)."""
    ((images, channels, height, width),) = plan.inputs
    (given,) = {place.buffer for step in plan.steps for place in step.places if place.buffer.memory is Memory.INPUT}
    made = Buffer(Memory.ARENA, given.bytes + SLACK)
    pixels = Buffer(Memory.INPUT, images * height * width * channels)
    first = Step(Planes(images, height, width, *scaling), (Place(pixels), Place(made)), (1,))
    rest = (
        replace(step, places=tuple(replace(at, buffer=made) if at.buffer is given else at for at in step.places))
        for step in plan.steps
    )
    return replace(plan, steps=(first, *rest), inputs=((images, height, width, channels),))
