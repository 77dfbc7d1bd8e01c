"""What kernels are written for: how wide a vector is, how many there are, and what LLVM calls the processor."""

from __future__ import annotations

from dataclasses import dataclass

from featherlight.errors import Failure


@dataclass(frozen=True)
class InstructionSet:
    """A record that kernels are parameterised by; nothing else knows an architecture."""

    name: str
    triple: str
    cpu: str
    features: str  # LLVM's names; exactly what `needs` promises, so that no other instruction is emitted
    lanes: int  # floats in a vector
    registers: int  # vectors that kernels may hold at once
    needs: tuple[str, ...]  # the flags of /proc/cpuinfo without which the code is not run

    def runs_here(self) -> bool:
        """Whether this machine's processor has it."""
        from featherlight_runtime import cpu  # here: with NumPy, LLVM's own process would take twice as long to start

        return cpu.flags().issuperset(self.needs)


_LINUX = "x86_64-unknown-linux-gnu"

# Of SSE2's 16 registers three are left to products: no instruction adds them to a sum, and LLVM spilled with fewer.
SSE2 = InstructionSet("sse2", _LINUX, "x86-64", "", 4, 13, ("sse2",))
AVX2 = InstructionSet("avx2", _LINUX, "x86-64", "+avx2,+fma", 8, 16, ("sse2", "avx2", "fma"))
AVX512 = InstructionSet(
    *("avx512", _LINUX, "x86-64", "+avx2,+fma,+avx512f,+avx512bw,+avx512dq,+avx512vl", 16, 32),
    needs=("sse2", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"),
)
INSTRUCTION_SETS = {each.name: each for each in (SSE2, AVX2, AVX512)}  # each better than the one before it


def host() -> InstructionSet:
    """The best one that this machine's processor has; raises Failure where it has none of them."""
    for each in reversed(INSTRUCTION_SETS.values()):
        if each.runs_here():
            return each
    raise Failure("the compiler makes code for x86-64 processors on Linux; this machine is another")
