"""One small network for each instruction set: its code is made anywhere, and runs where the processor has it."""

from __future__ import annotations

import pytest

from compiler.together import Together, listing
from featherlight.compiler.instruction_set import INSTRUCTION_SETS, InstructionSet
from featherlight.graph import kinds

each_set = pytest.mark.parametrize("cpu", INSTRUCTION_SETS.values(), ids=lambda cpu: cpu.name)


def network() -> Together:
    """A stem, a bottleneck with squeeze-excite and a residual, a unit of ShuffleNet v2, a classifier."""
    cases = Together()
    swish = kinds.Activation("hard_swish")
    x = cases.convolution(cases.image(1, 3, 31, 29), 17, (3, 3), kinds.Convolution((2, 2), (1, 1, 1, 1)))
    y = cases.add(swish, cases.depthwise(cases.add(swish, cases.convolution(x, 40)), 5))
    gate = cases.convolution(cases.add(kinds.Mean((2, 3), True), y), 40)
    scaled = cases.add(kinds.Multiply(), y, cases.add(kinds.Activation("sigmoid"), gate))
    x = cases.convolution(cases.add(kinds.Add(), cases.convolution(scaled, 17), x), 32)
    low, high = cases.builder.add(kinds.Split(1, (16, 16)), [x], "half")
    joined = cases.add(kinds.Concat(1), low, cases.convolution(cases.depthwise(high, 3), 16))
    x = cases.convolution(cases.add(kinds.ChannelShuffle(2), joined), 64)
    flat = cases.add(kinds.Reshape((1, 64)), cases.add(kinds.Mean((2, 3), True), x))
    cases.case("logits", cases.add(kinds.Linear(), flat, cases.weight(10, 64), cases.weight(10)))
    return cases


@each_set
def test_the_code_uses_its_vectors(cpu: InstructionSet) -> None:
    text = listing(network().graph(), cpu)
    used = [register for register in ("xmm", "ymm", "zmm") if register in text]
    assert used[-1] == {4: "xmm", 8: "ymm", 16: "zmm"}[cpu.lanes]


@each_set
@pytest.mark.parametrize("fuse", [True, False])
def test_it_runs_where_the_processor_has_it(cpu: InstructionSet, fuse: bool) -> None:
    if not cpu.runs_here():
        pytest.skip(f"this processor has no {cpu.name}")
    network().agree(cpu, fuse=fuse)
