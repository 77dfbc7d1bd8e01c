"""Pixels to planes of floats, held against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from featherlight.compiler.build import compiled, plan
from featherlight.compiler.instruction_set import INSTRUCTION_SETS, InstructionSet
from featherlight.compiler.plan.pixels import Scaling
from featherlight.graph import Builder, Graph, Tensor, kinds
from featherlight_runtime import Network

RUNNABLE = [each for each in INSTRUCTION_SETS.values() if each.runs_here()]


def relu(shape: tuple[int, ...]) -> Graph:
    builder = Builder()
    x = builder.input("x", Tensor(shape))
    return builder.graph(builder.add(kinds.Activation("relu"), [x], "relu"))


@pytest.mark.parametrize("instructions", RUNNABLE, ids=lambda each: each.name)
@pytest.mark.parametrize(
    ("images", "channels", "height", "width"), [(1, 3, 2, 17), (2, 1, 3, 16), (2, 3, 1, 7), (1, 4, 5, 8)]
)
def test_pixels_are_scaled_and_parted_by_channels(
    instructions: InstructionSet, images: int, channels: int, height: int, width: int
) -> None:
    scale, shift = np.linspace(0.01, 0.02, channels), np.linspace(-0.5, 1.5, channels)
    pixels = np.random.default_rng(0).integers(0, 256, (images, height, width, channels), np.uint8)
    scaling = Scaling(tuple(scale.tolist()), tuple(shift.tolist()))
    program = compiled(relu((images, channels, height, width)), instructions, pixels=scaling)
    expected = np.maximum(pixels * scale + shift, 0).transpose(0, 3, 1, 2)
    for threads in (1, 3):
        with Network(program, threads) as network:
            np.testing.assert_allclose(network(pixels), expected, atol=1e-6)


def test_a_plan_of_pixels_is_one_step_longer() -> None:
    graph = relu((1, 3, 4, 4))
    plain, made = plan(graph), plan(graph, pixels=Scaling((1.0,) * 3, (0.0,) * 3))
    assert len(made.steps) == len(plain.steps) + 1
    assert made.inputs == ((1, 4, 4, 3),)
