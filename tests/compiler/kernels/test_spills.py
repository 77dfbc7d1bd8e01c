"""The innermost loops of the assembly keep their vectors in registers: none is stored on the stack or read from it."""

from __future__ import annotations

import re
from itertools import product

import pytest

from compiler.together import Together, listing
from featherlight.compiler.instruction_set import INSTRUCTION_SETS, InstructionSet
from featherlight.graph import from_spec, kinds
from featherlight.models import entry

LABEL = re.compile(r"^(\.?[\w.$]+):")
JUMP = re.compile(r"^\s+j\w+\s+(\.L\w+)")
SPILL = re.compile(r"%rsp\).*%[xyz]mm|%[xyz]mm.*\(%rsp\)")


def functions(assembly: str) -> dict[str, list[str]]:
    """The lines of each function."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in assembly.splitlines():
        label = LABEL.match(line)
        if label and not label[1].startswith("."):
            name = label[1]
        found.setdefault(name, []).append(line)
    return found


def innermost_loops(lines: list[str]) -> list[list[str]]:
    """What stands between a label and a jump back to it, where no other such stretch lies within."""
    labels = {label[1]: number for number, line in enumerate(lines) if (label := LABEL.match(line))}
    jumps = [
        (labels.get(jump[1], len(lines)), number) for number, line in enumerate(lines) if (jump := JUMP.match(line))
    ]
    loops = [(start, end) for start, end in jumps if start <= end]
    inner = [
        (start, end)
        for start, end in loops
        if not any((start, end) != other and start <= other[0] and other[1] <= end for other in loops)
    ]
    return [lines[start : end + 1] for start, end in inner]


def spills(assembly: str, hot: str) -> list[str]:
    """The instructions of hot functions' innermost loops that move vectors to or from the stack."""
    found, loops = [], 0
    for name, lines in functions(assembly).items():
        if name.startswith(hot):
            for loop in innermost_loops(lines):
                loops += 1
                found += [f"{name}: {line.strip()}" for line in loop if SPILL.search(line)]
    assert loops, f"there is no loop in any {hot}"
    return found


each_set = pytest.mark.parametrize("cpu", INSTRUCTION_SETS.values(), ids=INSTRUCTION_SETS)


def products(cases: Together, columns: int) -> None:
    """Products of so many columns: of one map and of two, of windows, with an end."""
    for rows in (1, 2, 3, 4, 5, 49, 196):
        cases.case(f"{rows}", cases.convolution(cases.map(1, 33, 1, rows), columns))
    for stride in (1, 2):
        kind = kinds.Convolution((stride, stride), (1, 1, 1, 1))
        cases.case(f"3 x 3, stride {stride}", cases.convolution(cases.map(2, 24, 14, 14), columns, (3, 3), kind))
    x = cases.add(kinds.Concat(1), cases.map(1, 24, 7, 7), cases.map(1, 33, 7, 7))
    y = cases.add(kinds.Activation("hard_swish"), cases.convolution(x, columns))
    cases.case("two maps, with an end", cases.add(kinds.Add(), y, cases.map(1, columns, 7, 7)))


@each_set
def test_products_two_vectors_wide(cpu: InstructionSet) -> None:
    cases = Together()
    products(cases, 8 * cpu.lanes)
    assert spills(listing(cases.graph(), cpu), "tile") == []


@each_set
def test_products_of_a_callers_planes(cpu: InstructionSet) -> None:
    cases = Together()
    for size, stride in product((3, 5, 7), (1, 2)):
        kind = kinds.Convolution((stride, stride), (size // 2,) * 4)
        y = cases.convolution(cases.image(1, 3, 32, 32), 4 * cpu.lanes, (size, size), kind)
        cases.case(f"{size} x {size}, stride {stride}", y)
    assert spills(listing(cases.graph(), cpu), "tile") == []


@each_set
def test_products_three_vectors_wide(cpu: InstructionSet) -> None:
    cases = Together()
    products(cases, 3 * cpu.lanes)
    assert spills(listing(cases.graph(), cpu), "tile") == []


@each_set
def test_products_one_vector_wide(cpu: InstructionSet) -> None:
    cases = Together()
    products(cases, cpu.lanes)
    assert spills(listing(cases.graph(), cpu), "tile") == []


def depthwise(cases: Together, kernel: int, stride: int, lanes: int) -> None:
    for size, columns in product((7, 14, 28), (1, 2, 3, 12)):
        y = cases.depthwise(cases.map(1, columns * lanes, size, size), kernel, stride)
        cases.case(f"{kernel}, {stride}, {size}, {columns}", y)


@each_set
def test_depthwise(cpu: InstructionSet) -> None:
    cases = Together()
    for kernel, stride in product((3, 5, 7), (1, 2)):
        depthwise(cases, kernel, stride, cpu.lanes)
    assert spills(listing(cases.graph(), cpu), "taps") == []


@each_set
@pytest.mark.parametrize("name", ["mobilenet_v2", "mnasnet_a1"])
def test_whole_networks(cpu: InstructionSet, name: str) -> None:
    """Large maps have higher tiles than the cases above, and blocks computed line by line read from rings."""
    assembly = listing(from_spec(entry(name).build()), cpu)
    assert spills(assembly, "tile") + spills(assembly, "taps") == []


def test_a_spill_is_seen() -> None:
    text = """tile_1:
.LBB0_1:
\tvmovaps\t32(%rsp), %ymm1
\tdecq\t%rax
\tjne\t.LBB0_1
\tvmovaps\t64(%rsp), %ymm1
\tretq
"""
    assert spills(text, "tile") == ["tile_1: vmovaps\t32(%rsp), %ymm1"]
    assert spills(text.replace("32(%rsp)", "32(%rdi)"), "tile") == []
    assert spills(text.replace("32(%rsp), %ymm1", "%ymm1, 32(%rsp)"), "tile") != []
