"""The latency table of this machine for the engine native: steps of plans timed many to a program, some networks whole.

A kernel alone would be compiled in a process of its own, which takes longer to start than the kernel to compile. So
`GROUP` steps share a program (`compiler.plan.apart`), whose trace tells them apart. One after the other they find
caches much as they do in a network.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from featherlight import __version__
from featherlight.compiler import cache
from featherlight.compiler.build import program, program_apart
from featherlight.compiler.instruction_set import InstructionSet, host
from featherlight.compiler.plan.planner import Floats
from featherlight.engines import native
from featherlight.errors import BadInput, DiskFull
from featherlight.files import is_full
from featherlight.graph import Graph, canonical
from featherlight.latency import device
from featherlight.latency.listing import Member, listing
from featherlight.latency.steps import StepPiece, steps
from featherlight.latency.surroundings import noise
from featherlight.latency.table import COMPILER, INSTRUCTIONS, LatencyTable, read_table
from featherlight.now_and_then import now_and_then
from featherlight.timing import Target, this_machine
from featherlight_runtime import Network, Program
from featherlight_runtime.memory import pages

GROUP = 48  # steps of a program, about as many as a network has
CALLS = 20  # of a program in a round


def time_steps(
    members: Iterable[Member], out: Path, *, threads: int = 1, rounds: int | None = None, **about: Any
) -> LatencyTable:
    """Write the table of the `members`' pieces to `out`; progress goes to standard error.

    Each time is on the disk before the next is taken: the same call goes on where one was killed. Raises BadInput where
    there are no members, and where `out` cannot be written; DiskFull where there is no room.
    """
    instructions, rounds = host(), rounds or device.ROUNDS
    pieces, graphs, lists = listing(
        members, lambda graph: steps(canonical(graph), instructions), lambda graph: graph, "a latency table"
    )
    manifest: dict[str, Any] = {
        "about": {"featherlight": __version__, COMPILER: cache.source(), INSTRUCTIONS: instructions.name, **about},
        **lists,
    }
    target = Target(native.name, native.version(), threads, "f32", 1, this_machine())
    begun = {
        "bundle": hashlib.sha256(json.dumps(manifest).encode()).hexdigest(),
        "target": asdict(target),
        "libraries": {"python": platform.python_version(), "numpy": np.__version__, native.name: target.version},
    }
    try:
        kept = device.Kept(out, json.loads(json.dumps(begun)))
        _time(kept, pieces, graphs, instructions, threads, rounds)
        device.write_table(out, kept, manifest, rounds)
    except device.Stop as reason:
        raise BadInput(str(reason)) from None
    except OSError as error:
        if is_full(error):
            raise DiskFull(f"{out} cannot be written: {error.strerror}; {device.FREE_SOME}") from error
        raise BadInput(f"the latency table {out} cannot be made: {error}") from error
    kept.path.unlink()
    return read_table(out)


def _time(
    kept: device.Kept,
    pieces: Sequence[StepPiece],
    graphs: Sequence[Graph],
    instructions: InstructionSet,
    threads: int,
    rounds: int,
) -> None:
    """Everything once a round, in another order each round, as far as it is not in `kept` already."""
    tell = now_and_then(lambda text: print(text, file=sys.stderr))
    call, *others = range(len(pieces))  # every plan begins with the call itself, a program of no steps
    groups = [[call], *(others[at : at + GROUP] for at in range(0, len(others), GROUP))]
    programs = []
    for group in groups:
        programs.append(program_apart([step for at in group if (step := pieces[at].step)], instructions))
        tell(f"{group[-1] + 1} of {len(pieces)} pieces compiled")
    weights = _weights(max(each.inputs[0].shape[0] for each in programs))
    work = [("groups", at) for at in range(len(groups))] + [("networks", at) for at in range(len(graphs))]
    for number in range(rounds):
        for count, (sort, at) in enumerate(device.shuffled(list(work), number), start=1):
            if (number, sort, at) not in kept.done:
                seconds = _seconds(programs[at], weights, threads) if sort == "groups" else _whole(graphs[at], threads)
                kept.add(number, sort, at, {"seconds": seconds})
            tell(f"round {number + 1} of {rounds}: {count} of {len(work)} timed")
        for at, group in enumerate(groups):
            for place, took in zip(group, kept.done[number, "groups", at]["seconds"], strict=True):
                kept.done[number, "pieces", place] = {"seconds": took, "enter": 0.0, "leave": 0.0, "steps": 1}


def _seconds(program: Program, weights: Floats, threads: int) -> list[float]:
    """Of each step of a program; where it has none, of a call."""
    given = weights[: program.inputs[0].shape[0]]
    with Network(program, threads) as network:
        if not program.steps:
            return [device.time_calls(lambda: network(given))]
        for _ in range(device.UNTIMED):
            network(given)
        return list(network.trace(given, calls=CALLS))


def _whole(graph: Graph, threads: int) -> float:
    """Of a network, without any tracing."""
    images = noise(graph.tensors[graph.inputs[0]].shape)
    with Network(program(graph), threads) as network:
        return device.time_calls(lambda: network(images))


def _weights(floats: int) -> Floats:
    """Noise where a program's own weights would lie: at the beginning of a page."""
    made = pages(4 * floats).view(np.float32)
    made[:] = noise((floats, 1))[:, 0]
    return made
