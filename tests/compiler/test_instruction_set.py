from __future__ import annotations

import pytest

from featherlight.compiler import llvm
from featherlight.compiler.instruction_set import AVX2, AVX512, INSTRUCTION_SETS, SSE2, InstructionSet, host
from featherlight.errors import Failure
from featherlight_runtime import cpu

SUM = """
define <LANES x float> @f(<LANES x float> %x, <LANES x float> %y, <LANES x float> %z) {
  %p = fmul contract <LANES x float> %x, %y
  %s = fadd contract <LANES x float> %p, %z
  ret <LANES x float> %s
}
"""
FUSED = {SSE2: ("mulps", "xmm"), AVX2: ("vfmadd", "ymm"), AVX512: ("vfmadd", "zmm")}


@pytest.mark.parametrize("instructions", INSTRUCTION_SETS.values(), ids=lambda each: each.name)
def test_code_uses_the_vectors_of_its_set(instructions: InstructionSet) -> None:
    listing = llvm.assembly(SUM.replace("LANES", str(instructions.lanes)), llvm.machine(instructions))
    instruction, register = FUSED[instructions]
    assert instruction in listing
    assert register in listing


def test_the_best_set_of_a_processor_is_the_widest_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    for best in INSTRUCTION_SETS.values():
        monkeypatch.setattr(cpu, "flags", lambda best=best: frozenset({*best.needs, "fpu"}))
        assert host() == best


def test_a_processor_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "flags", lambda: frozenset({"asimd"}))
    with pytest.raises(Failure, match="x86-64"):
        host()
