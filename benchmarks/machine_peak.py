"""What the arithmetic of this machine can do, as an engine among others; and how fast its caches and memory are read.

A file of its own, since the process in which the loop runs beside the engines imports it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from llvmlite import ir

from featherlight.compiler.control import i64, loop, variable
from featherlight.compiler.peak import APART, CHAINS, Together, lanes_here, loops, write_sum
from featherlight.compiler.training.kernel import Body, compile_kernels
from featherlight.compiler.training.vectors import FLOAT, filled, plus, read, typed
from featherlight.cost import Bandwidth
from featherlight.engines import Running, Source
from featherlight.engines.running import Array
from featherlight.engines.source import check
from featherlight.engines.trace import Step
from featherlight.errors import BadInput
from featherlight.timing import Target, measure, this_machine
from featherlight.timing.probe import FOOTPRINTS

STREAMS = 8  # vectors that are read at once


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
        write_sum(b, chains, kind, out, part)

    return body


def bandwidths(
    threads: int, *, footprints: tuple[int, ...] = FOOTPRINTS, seconds: float = 2.0
) -> tuple[Bandwidth, ...]:
    """Bytes a second that so many threads read at once, by what they read over and over in all; medians."""
    lanes = max(lanes_here())
    kernel = compile_kernels({"sums": (4, sums(lanes))}, None)["sums"]
    values, out = np.ones(threads * max(footprints) // 4, np.float32), np.zeros(threads * APART, np.float32)
    turns = {footprint: max(1, (1 << 25) // footprint) for footprint in footprints}
    calls = {str(f): Together(kernel, threads, turns[f], f // 4, values, out) for f in footprints}
    samples = measure(calls, seconds=seconds)
    rates = [threads * f * turns[f] / float(np.median(samples[str(f)])) for f in footprints]
    # A larger footprint is never faster; where noise says so, the faster figure is right.
    rates = [max(rates[at:]) for at in range(len(rates))]
    return tuple(Bandwidth(threads * f, rate) for f, rate in zip(footprints, rates, strict=True))


@dataclass(frozen=True)
class Peak:
    """The loop of `compiler/peak.py` as an engine, so that it takes turns with the engines; it looks at no network.

    A call of it is that file's `WORK` multiply-adds on each thread, all at once.
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
        out = np.zeros(threads * APART, np.float32)
        of_each_width = loops(threads, out)
        times = measure(of_each_width, seconds=0.3)
        quickest = of_each_width[min(times, key=lambda lanes: min(times[lanes]))]

        def run(images: Array) -> Array:
            quickest()
            return out[None].copy()

        target = Target(self.name, self.version(), threads, "f32", batch, this_machine())
        return Running(target, (batch, *source.input_shape), run)

    def trace(self, source: Source, images: Array, *, threads: int, calls: int = 20) -> tuple[Step, ...]:
        """Nothing: it has no steps."""
        raise BadInput(f"{self.name} is only timed")
