"""Expansion, depthwise convolution and projection as one kernel, held against the graph's value."""

from __future__ import annotations

from itertools import product

import pytest

from compiler.one_kernel import RUNNABLE
from compiler.together import Together
from featherlight.compiler import build
from featherlight.compiler.instruction_set import InstructionSet
from featherlight.compiler.plan import block
from featherlight.graph import kinds

each_set = pytest.mark.parametrize("cpu", RUNNABLE, ids=lambda cpu: cpu.name)
RELU6 = kinds.Activation("relu6")
SIZES = [(7, 9), (1, 5), (2, 2), (12, 6)]


@pytest.fixture(autouse=True)
def small_maps_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block, "LARGE", 1)


def blocks(cases: Together) -> int:
    """How many steps of the plan are blocks."""
    return sum(build.kernel(step) == "block" for step in build.plan(cases.graph()).steps)


def bottleneck(cases: Together, x: str, wide: int, out: int, kernel: int, stride: int, middle: bool = True) -> str:
    y = cases.convolution(x, wide)
    y = cases.depthwise(cases.add(RELU6, y) if middle else y, kernel, stride)
    return cases.convolution(cases.add(RELU6, y) if middle else y, out)


@each_set
@pytest.mark.parametrize("kernel", [3, 5])
def test_whole(cpu: InstructionSet, kernel: int) -> None:
    cases, lanes = Together(), cpu.lanes
    for number, (size, stride, images) in enumerate(product(SIZES, (1, 2), (1, 3))):
        wide, out = (
            (lanes + 1, 2 * lanes, 3 * lanes - 1)[number % 3],
            (lanes - 1, lanes, lanes + 1, 2 * lanes)[number % 4],
        )
        y = bottleneck(cases, cases.map(images, 6, *size), wide, out, kernel, stride, middle=number % 5 > 0)
        cases.case(f"{images} of {size}, stride {stride}, {wide} to {out}", y)
    assert blocks(cases) == len(cases.cases)
    cases.agree(cpu)


@each_set
@pytest.mark.parametrize("after", [False, True])
def test_residual(cpu: InstructionSet, after: bool) -> None:
    cases = Together()
    for images, size, kernel in product((1, 2), SIZES, (3, 5)):
        x = cases.map(images, cpu.lanes + 1, *size)
        y = cases.add(kinds.Add(), bottleneck(cases, x, 2 * cpu.lanes + 1, cpu.lanes + 1, kernel, 1), x)
        cases.case(f"{images} of {size}, {kernel}", cases.add(kinds.Activation("relu"), y) if after else y)
    assert blocks(cases) == len(cases.cases)
    cases.agree(cpu)


@each_set
def test_parts(cpu: InstructionSet) -> None:
    """Without a projection, without an expansion, and with neither; and where another reads what is between."""
    cases = Together()
    for size, stride, kernel in product(SIZES, (1, 2), (3, 5)):
        x, name = cases.map(2, cpu.lanes + 3, *size), f"{size}, {kernel}, stride {stride}"
        expanded = cases.add(RELU6, cases.convolution(x, 2 * cpu.lanes + 1))
        cases.case(f"no projection: {name}", cases.add(RELU6, cases.depthwise(expanded, kernel, stride)))
        cases.case(f"no expansion: {name}", cases.convolution(cases.depthwise(x, kernel, stride), 9))
        cases.case(f"neither: {name}", cases.depthwise(x, kernel, stride))
    assert blocks(cases) == 2 * len(cases.cases) // 3
    between = cases.convolution(cases.map(1, 5, 6, 7), 9)
    thin = cases.depthwise(between, 3)
    cases.case("its expansion", between)
    cases.case("its depthwise result", thin)
    cases.case("its end", cases.convolution(thin, 4))
    cases.agree(cpu)


@each_set
def test_odd_padding(cpu: InstructionSet) -> None:
    cases = Together()
    for number, padding in enumerate([(0, 0, 0, 0), (0, 1, 2, 0), (2, 2, 1, 3), (0, 0, 1, 1)]):
        for stride in ((1, 1), (2, 2), (2, 1)):
            expanded = cases.add(RELU6, cases.convolution(cases.map(1 + number % 2, 5, 8, 7), 9))
            y = cases.convolution(expanded, 9, (3, 3), kinds.Convolution(stride, padding, groups=9))
            cases.case(f"{padding}, stride {stride}", cases.convolution(y, 10))
    assert blocks(cases) == len(cases.cases)
    cases.agree(cpu)


def test_channels_in_another_order() -> None:
    cases = Together()
    x = cases.add(kinds.ChannelShuffle(2), cases.map(1, 8, 7, 6))
    cases.case("added to what it reads", cases.add(kinds.Add(), bottleneck(cases, x, 20, 8, 3, 1), x))
    half = cases.add(kinds.Slice(1, 4, 8), x)
    cases.case("of a part", bottleneck(cases, half, 20, 9, 3, 2))
    cases.agree()
