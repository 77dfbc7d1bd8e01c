"""Pools and means of maps, held against the graph's value, with numbers that are not finite as well."""

from __future__ import annotations

import math
from itertools import product

import pytest

from compiler.one_kernel import RUNNABLE
from compiler.together import Together
from featherlight.compiler.instruction_set import InstructionSet
from featherlight.graph import kinds

each_set = pytest.mark.parametrize("cpu", RUNNABLE, ids=lambda cpu: cpu.name)
SPECIAL = [math.nan, math.inf, -math.inf]
NO_PADDING = (0, 0, 0, 0)


def maps(cases: Together, lanes: int) -> list[str]:
    """Maps around a vector, in one piece and in two. Their sums are of few numbers, so that most stay finite."""
    shapes = [(1, lanes - 1, 7, 9), (2, lanes, 5, 4), (1, lanes + 1, 6, 13)]
    found = [cases.depthwise(cases.image(*shape), 1) for shape in shapes]
    return [*found, cases.add(kinds.Concat(1), found[0], found[0])]


@each_set
def test_windows(cpu: InstructionSet) -> None:
    cases = Together()
    windows = list(product(((2, 2), (3, 3)), ((1, 1), (2, 1), (3, 3)), (NO_PADDING, (1, 1, 1, 1), (0, 1, 1, 0))))
    for number, x in enumerate(maps(cases, cpu.lanes)):
        for kernel, stride, padding in windows[number::4]:
            name = f"{number}, {kernel}, stride {stride}, {padding}"
            cases.case(f"max {name}", cases.add(kinds.MaxPool(kernel, stride, padding), x))
            for counted in (False, True):
                y = cases.add(kinds.AveragePool(kernel, stride, padding, counted), x)
                cases.case(f"mean {name}, {counted}", y)
        cases.case(f"max {number}, dilated", cases.add(kinds.MaxPool((2, 3), (1, 2), (1, 0, 0, 1), (2, 2)), x))
    cases.agree(cpu, special=SPECIAL)


@each_set
def test_means_of_whole_maps(cpu: InstructionSet) -> None:
    cases, lanes = Together(), cpu.lanes
    for channels in (1, lanes, 4 * lanes, 4 * lanes + 1, 9 * lanes - 1):
        x = cases.depthwise(cases.image(2, channels, 5, 3), 1)
        for axes, kept in (((2, 3), True), ((2, 3), False), ((3, 2), True)):
            cases.case(f"{channels}, {axes}, {kept}", cases.add(kinds.Mean(axes, kept), x))
    x = cases.add(kinds.Concat(1), cases.depthwise(cases.image(2, 3, 5, 3), 1), x)
    cases.case("two maps", cases.add(kinds.Mean((2, 3), True), x))
    cases.agree(cpu, special=SPECIAL)
