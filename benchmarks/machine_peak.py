"""What the arithmetic of this machine can do, by a loop that touches no memory; and what its caches and memory can.

The loop is CHAINS chains of `x = x * half + half` in vector registers, each of which waits for itself alone: 12 of them
keep two units busy whose multiply-add takes up to 6 cycles (4 on today's processors), and with `half` they need 13 of
the 16 registers of AVX2. Where a processor has vectors of several widths the quickest counts, which need not be the
widest. A chain begins at a value of its own and multiplies what it was, so that LLVM can share nothing and take nothing
out of the loop; `tests/test_engines_benchmark.py` reads the assembly.

A file of its own, since the process in which the loop runs beside the engines imports it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from ctypes import c_int64
from dataclasses import dataclass

import numpy as np
from llvmlite import ir

from featherlight.compiler.control import i64, loop, variable
from featherlight.compiler.training.kernel import Body, Kernel, compile_kernels
from featherlight.compiler.training.vectors import FLOAT, filled, multiply_add, plus, read, typed, write
from featherlight.cost import Bandwidth
from featherlight.engines import Running, Source
from featherlight.engines.running import Array
from featherlight.engines.source import check
from featherlight.engines.trace import Step
from featherlight.errors import BadInput
from featherlight.timing import Target, measure, this_machine
from featherlight.timing.probe import FOOTPRINTS

CHAINS = 12
TURNS = 1 << 24  # of a loop over single floats; vectors take as many fewer
WORK = CHAINS * TURNS  # multiply-adds of a thread's loop: some 4 ms with AVX2, as a network takes
STREAMS = 8  # vectors that are read at once
_LARGEST, _APART = 16, 64  # floats of the widest vector, and between the threads' results: a line of cache and more


def lanes_here() -> tuple[int, ...]:
    """Floats in a vector, of each width that this processor has."""
    sets = this_machine().instruction_sets
    return (4, *((8,) if "avx" in sets else ()), *((16,) if "avx512f" in sets else ()))


def products(lanes: int) -> Body:
    """A kernel of (turns, values, out): that many turns of the chains."""

    def body(b: ir.IRBuilder, part: ir.Value, parts: ir.Value, arguments: list[ir.Value]) -> None:
        turns, values, out = arguments
        half, *starts = (read(b, values, i64(lanes * at), lanes) for at in range(1 + CHAINS))
        chains = [variable(b, start) for start in starts]
        with loop(b, i64(0), turns, name="turn"):
            for chain in chains:
                b.store(multiply_add(b, b.load(chain, typ=half.type), half, half), chain)
        _write_sum(b, chains, half.type, out, part)

    return body


def sums(lanes: int) -> Body:
    """A kernel of (turns, floats, values, out): each part reads that many floats of its own, so many times."""

    def body(b: ir.IRBuilder, part: ir.Value, parts: ir.Value, arguments: list[ir.Value]) -> None:
        turns, floats, values, out = arguments
        kind, first = typed(FLOAT, lanes), b.mul(part, floats)
        chains = [variable(b, filled(kind, 0.0)) for _ in range(STREAMS)]
        with loop(b, i64(0), turns, name="turn"), loop(b, first, b.add(first, floats), STREAMS * lanes) as index:
            for number, chain in enumerate(chains):
                value = read(b, values, b.add(index, i64(number * lanes)), lanes)
                b.store(plus(b, b.load(chain, typ=kind), value), chain)
        _write_sum(b, chains, kind, out, part)

    return body


def _write_sum(b: ir.IRBuilder, chains: list[ir.Value], kind: ir.Type, out: ir.Value, part: ir.Value) -> None:
    total = b.load(chains[0], typ=kind)
    for chain in chains[1:]:
        total = plus(b, total, b.load(chain, typ=kind))
    write(b, out, b.mul(part, i64(_APART)), total)


class Together:
    """A kernel with its arguments, whole numbers and arrays; a call runs a part on each of so many threads at once."""

    def __init__(self, kernel: Kernel, threads: int, *arguments: int | Array) -> None:
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


def bandwidths(
    threads: int, *, footprints: tuple[int, ...] = FOOTPRINTS, seconds: float = 2.0
) -> tuple[Bandwidth, ...]:
    """Bytes a second that so many threads read at once, by what they read over and over in all; medians."""
    lanes = max(lanes_here())
    kernel = compile_kernels({"sums": (4, sums(lanes))}, None)["sums"]
    values, out = np.ones(threads * max(footprints) // 4, np.float32), np.zeros(threads * _APART, np.float32)
    turns = {footprint: max(1, (1 << 25) // footprint) for footprint in footprints}
    calls = {str(f): Together(kernel, threads, turns[f], f // 4, values, out) for f in footprints}
    samples = measure(calls, seconds=seconds)
    rates = [threads * f * turns[f] / float(np.median(samples[str(f)])) for f in footprints]
    # A larger footprint is never faster; where noise says so, the faster figure is right.
    rates = [max(rates[at:]) for at in range(len(rates))]
    return tuple(Bandwidth(threads * f, rate) for f, rate in zip(footprints, rates, strict=True))


@dataclass(frozen=True)
class Peak:
    """The loop as an engine, so that it takes turns with the engines in their rounds; it looks at no network.

    A call of it is `WORK` multiply-adds on each thread, all at once.
    """

    name: str = "peak"
    needs_module: bool = False

    def missing(self) -> str | None:
        """Nothing: Featherlight needs llvmlite in any case."""
        return None

    def version(self) -> str:
        """What the loop is."""
        return f"{CHAINS} chains"

    def build(self, source: Source, *, threads: int, batch: int = 1) -> Running:
        """The loop over the quickest of the processor's vectors."""
        check(threads, batch)
        kernels = compile_kernels({str(lanes): (3, products(lanes)) for lanes in lanes_here()}, None)
        # In every lane what it is multiplied by and added to it, 0.5, and what each chain begins at: they come to 1.
        values = 0.5 + np.arange(1 + CHAINS, dtype=np.float32) / 100
        out = np.zeros(threads * _APART, np.float32)
        loops = {
            str(lanes): Together(kernels[str(lanes)], threads, TURNS // lanes, np.repeat(values, lanes), out)
            for lanes in lanes_here()
        }
        times = measure(loops, seconds=0.3)
        quickest = loops[min(times, key=lambda lanes: min(times[lanes]))]

        def run(images: Array) -> Array:
            quickest()
            return out[None].copy()

        target = Target(self.name, self.version(), threads, "f32", batch, this_machine())
        return Running(target, (batch, *source.input_shape), run)

    def trace(self, source: Source, images: Array, *, threads: int, calls: int = 20) -> tuple[Step, ...]:
        """Nothing: it has no steps."""
        raise BadInput(f"{self.name} is only timed")
