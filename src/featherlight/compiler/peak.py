"""What the arithmetic of this machine can do: a loop that touches no memory.

The loop is CHAINS chains of `x = x * half + half` in vector registers, each of which waits for itself alone: 12 of them
keep two units busy whose multiply-add takes up to 6 cycles (4 on today's processors), and with `half` they need 13 of
the 16 registers of AVX2. Where a processor has vectors of several widths the quickest counts, which need not be the
widest. A chain begins at a value of its own and multiplies what it was, so that LLVM can share nothing and take nothing
out of the loop; `tests/compiler/test_peak.py` reads the assembly.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from ctypes import c_int64
from typing import Any

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from featherlight.compiler.control import i64, loop, variable
from featherlight.compiler.training.kernel import Body, Kernel, compile_kernels
from featherlight.compiler.training.vectors import multiply_add, plus, read, write
from featherlight_runtime import cpu

CHAINS = 12
TURNS = 1 << 24  # of a loop over single floats; vectors take as many fewer
WORK = CHAINS * TURNS  # multiply-adds of a thread's loop: some 4 ms with AVX2, as a network takes
APART = 64  # floats between the threads' results: the widest vector, and a line of cache and more


class Together:
    """A kernel with its arguments, whole numbers and arrays; a call runs a part on each of so many threads at once."""

    def __init__(self, kernel: Kernel, threads: int, *arguments: int | NDArray[Any]) -> None:
        self._one, self._kept = kernel.one, arguments  # the kernel knows no more of an array than its address
        addresses = (each if isinstance(each, int) else each.ctypes.data for each in arguments)
        self._block = (c_int64 * (1 + len(arguments)))(threads, *addresses)
        self._others = range(1, threads)  # part 0 is the caller's own
        self._pool = ThreadPoolExecutor(threads)

    def __call__(self) -> None:
        """Run, and come back when the last part is done."""
        others = [self._pool.submit(self._one, self._block, part) for part in self._others]
        self._one(self._block, 0)
        for other in others:
            other.result()


def lanes_here() -> tuple[int, ...]:
    """Floats in a vector, of each width that this processor has; x86-64's."""
    flags = cpu.flags()
    return (4, *((8,) if "avx" in flags else ()), *((16,) if "avx512f" in flags else ()))


def loops(threads: int, out: NDArray[np.float32] | None = None) -> dict[str, Together]:
    """The loop over each width of vector, by its lanes: a call is `WORK` multiply-adds on each thread, all at once.

    `out` takes each thread's sums over its chains, which end at 1, `APART` floats apart.
    """
    kernels = compile_kernels({str(lanes): (3, products(lanes)) for lanes in lanes_here()}, None)
    # In every lane what it is multiplied by and added to it, 0.5, and what each chain begins at.
    values = 0.5 + np.arange(1 + CHAINS, dtype=np.float32) / 100
    out = np.zeros(threads * APART, np.float32) if out is None else out
    return {
        str(lanes): Together(kernels[str(lanes)], threads, TURNS // lanes, np.repeat(values, lanes), out)
        for lanes in lanes_here()
    }


def products(lanes: int) -> Body:
    """A kernel of (turns, values, out): that many turns of the chains."""

    def body(b: ir.IRBuilder, part: ir.Value, parts: ir.Value, arguments: list[ir.Value]) -> None:
        turns, values, out = arguments
        half, *starts = (read(b, values, i64(lanes * at), lanes) for at in range(1 + CHAINS))
        chains = [variable(b, start) for start in starts]
        with loop(b, i64(0), turns, name="turn"):
            for chain in chains:
                b.store(multiply_add(b, b.load(chain, typ=half.type), half, half), chain)
        write_sum(b, chains, half.type, out, part)

    return body


def write_sum(b: ir.IRBuilder, chains: list[ir.Value], kind: ir.Type, out: ir.Value, part: ir.Value) -> None:
    """Put the sum over the chains where the part's result stands."""
    total = b.load(chains[0], typ=kind)
    for chain in chains[1:]:
        total = plus(b, total, b.load(chain, typ=kind))
    write(b, out, b.mul(part, i64(APART)), total)
