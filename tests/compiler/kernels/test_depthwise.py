"""Depthwise convolutions in each of their orders, held against the graph's value."""

from __future__ import annotations

from itertools import cycle, product

import pytest

from compiler.one_kernel import RUNNABLE
from compiler.together import Together
from featherlight.compiler.instruction_set import InstructionSet
from featherlight.compiler.kernels import depthwise
from featherlight.graph import kinds
from featherlight.graph.activations import Function

each_set = pytest.mark.parametrize("cpu", RUNNABLE, ids=lambda cpu: cpu.name)
PADDINGS = [(0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 2, 1), (2, 0, 1, 3), (3, 3, 3, 3)]
KERNELS = [(1, 1), (3, 3), (5, 5), (7, 7), (1, 3), (4, 2)]
STRIDES = [(1, 1), (2, 2), (3, 3), (1, 2)]


def sweep(
    cpu: InstructionSet, sizes: list[tuple[int, int]], channels: list[int], kernels: list[tuple[int, int]]
) -> None:
    """Every kernel with every stride, and the rest in turn."""
    cases = Together()
    turns = zip(cycle(PADDINGS), cycle(sizes), cycle(channels), cycle([1, 1, 2]), strict=True)
    for (kernel, stride), (padding, size, wide, images) in zip(product(kernels, STRIDES), turns, strict=False):
        for dilation in ((1, 1), (2, 1), (1, 3)) if kernel == (3, 3) else ((1, 1),):
            kind = kinds.Convolution(stride, padding, dilation, wide)
            reach = [by * (side - 1) + 1 for by, side in zip(dilation, kernel, strict=True)]
            if size[0] + padding[0] + padding[2] >= reach[0] and size[1] + padding[1] + padding[3] >= reach[1]:
                y = cases.convolution(cases.map(images, wide, *size), wide, kernel, kind)
                cases.case(f"{kernel}, {stride}, {padding}, {dilation}, {images} x {wide} channels of {size}", y)
    assert len(cases.cases) >= 4
    cases.agree(cpu)


@each_set
def test_small_maps(cpu: InstructionSet) -> None:
    """Threads share the channels."""
    lanes = cpu.lanes
    sweep(cpu, [(7, 7), (1, 1), (5, 3), (2, 8)], [lanes - 1, lanes, lanes + 1, 3 * lanes, 5 * lanes + 1], KERNELS)


@each_set
def test_narrow_pixels(cpu: InstructionSet) -> None:
    """All channels of a line come before the next line."""
    lanes = cpu.lanes
    sizes = [(31, 28), (29, 33)]
    sweep(cpu, sizes, [2, lanes - 1, lanes, lanes + 1, depthwise.FEW_COLUMNS * lanes], KERNELS)


@each_set
@pytest.mark.parametrize("kernels", [KERNELS[:3], KERNELS[3:]])
def test_wide_pixels(cpu: InstructionSet, kernels: list[tuple[int, int]]) -> None:
    """All lines of a few channels come before the next channels."""
    few = depthwise.FEW_COLUMNS * cpu.lanes
    sweep(cpu, [(28, 25), (26, 29)], [few + 1, few + cpu.lanes + 1], kernels)


@each_set
@pytest.mark.parametrize("fuse", [True, False])
def test_functions_after(cpu: InstructionSet, fuse: bool) -> None:
    cases = Together()
    functions: tuple[Function, ...] = ("relu", "relu6", "hard_swish", "silu")
    for size, function in product(((4, 5), (9, 10)), functions):
        y = cases.depthwise(cases.map(1, 9, *size), 3)
        cases.case(f"{size}, {function}", cases.add(kinds.Activation(function), y))
    cases.agree(cpu, fuse=fuse)


def test_channels_in_another_order() -> None:
    cases = Together()
    one, two = cases.map(2, 8, 9, 9), cases.map(2, 10, 9, 9)
    shuffled = cases.add(kinds.ChannelShuffle(2), one)
    joined = cases.add(kinds.ChannelShuffle(3), cases.add(kinds.Concat(1), one, two))
    for name, x in (
        ("shuffled", shuffled),
        ("joined", joined),
        ("sliced", cases.add(kinds.Slice(1, 1, 18, 3), joined)),
    ):
        cases.case(name, cases.depthwise(x, 3))
        cases.case(f"{name}, then mixed", cases.convolution(cases.depthwise(x, 5, 2), 5))
    cases.agree()
