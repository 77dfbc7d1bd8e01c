from __future__ import annotations

import re

import numpy as np
import pytest

from featherlight.compiler import llvm, peak
from featherlight.compiler.instruction_set import INSTRUCTION_SETS
from featherlight.compiler.training.kernel import module_of


@pytest.mark.parametrize("name", INSTRUCTION_SETS)
def test_the_loop_multiplies_and_adds_in_registers_alone(name: str) -> None:
    instructions = INSTRUCTION_SETS[name]
    module = module_of({"loop": (3, peak.products(instructions.lanes))})
    text = llvm.assembly(str(module), llvm.machine(instructions))
    (body,) = re.findall(r"^\.LBB0_\d+:.*\n((?:\t(?!j).*\n)+)\tjne\b", text, re.MULTILINE)
    made = re.findall(r"\t(vfmadd\w+|mulps|addps)", body)
    assert len(made) == peak.CHAINS * (2 if name == "sse2" else 1)
    assert "(" not in body  # no address: nothing is loaded and nothing spilled
    assert {"sse2": "xmm", "avx2": "ymm", "avx512": "zmm"}[name] in body


@pytest.mark.parametrize("threads", [1, 2])
def test_every_thread_runs_the_loop_over_every_width(threads: int) -> None:
    out = np.zeros(threads * peak.APART, np.float32)
    for lanes, run in peak.loops(threads, out).items():
        out[:] = 0
        run()
        # Every chain has come to x = x / 2 + 1 / 2, and the results are sums over the chains.
        sums = out.reshape(threads, -1)
        assert (sums[:, : int(lanes)] == peak.CHAINS).all()
        assert not sums[:, int(lanes) :].any()
