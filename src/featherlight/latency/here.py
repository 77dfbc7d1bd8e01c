"""Networks timed on this machine: by a bundle's script, as any other device would time it, or on the engine native."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from featherlight.engines import find, native
from featherlight.errors import BadInput, DiskFull, Failure
from featherlight.latency import device
from featherlight.latency.bundle import pack
from featherlight.latency.listing import Member
from featherlight.latency.table import LatencyTable, read_table

ENGINES = (*device.ENGINES, native.name)  # by which pieces are timed here

SAMPLED = {"pieces": 24, "networks": 4}  # that are timed once to tell how long all of them will take


def expected_minutes(bundle: Path, *, engine: str | None = None, threads: int = 1) -> float:
    """What timing a bundle would take on this machine as busy as it is now: a few of its parts are timed, once each.

    Raises BadInput where the engine is not installed.
    """
    opened = _opened(bundle)
    try:
        library = device.ENGINES_BY_NAME[device.installed(engine)]
    except device.Stop as reason:
        raise BadInput(str(reason)) from None
    seconds = 0.0
    for sort, most in SAMPLED.items():
        parts = opened.manifest[sort]
        chosen = _spread(parts, most)
        start = time.perf_counter()
        for part in chosen:
            model = opened.read(part["file"])
            if sort == "pieces":
                device.time_piece(library, model, threads, part["around"])
            else:
                device.time_network(library, model, threads)
        seconds += (time.perf_counter() - start) * len(parts) / max(1, len(chosen))
    return device.ROUNDS * seconds / 60


def _opened(bundle: Path) -> device.Bundle:
    try:
        return device.Bundle(str(bundle))
    except device.Stop as reason:
        raise BadInput(str(reason)) from None


def _spread(parts: Sequence[Any], most: int) -> list[Any]:
    """At most so many of the parts, from the first to the last of them."""
    if len(parts) <= most:
        return list(parts)
    return [parts[at * (len(parts) - 1) // (most - 1)] for at in range(most)]


def time_networks(members: Iterable[Member], out: Path, *, engine: str, threads: int = 1, **about: Any) -> LatencyTable:
    """The table of the `members`' pieces on this machine, written to `out`, once; `about` is kept in it.

    A bundle, where the engine needs one, is kept beside it: the same call goes on where one was killed. What another
    compiler timed is timed anew. Raises BadInput where the engine is not installed or cannot compute a piece.
    """
    if out.exists():
        table = read_table(out)
        if not table.outdated:
            return table
        out.unlink()
    if engine == native.name:
        find(engine)
        from featherlight.latency.by_steps import time_steps  # loads LLVM, which `find` has asked for

        with contextlib.suppress(OSError):  # `time_steps` says so in a sentence
            out.parent.mkdir(parents=True, exist_ok=True)
        return time_steps(members, out, threads=threads, **about)
    bundle = out.with_name("pieces.zip")
    if not bundle.exists():
        pack(members, bundle, **about)
    return time_here(bundle, out, engine=engine, threads=threads)


def time_here(
    bundle: Path, out: Path, *, engine: str | None = None, threads: int = 1, rounds: int = device.ROUNDS
) -> LatencyTable:
    """The table that the script writes to `out` in a process of its own; its progress goes to standard error.

    What an earlier call for the same bundle and `out` finished is not done again. Raises BadInput with the script's
    own sentence for what it cannot use, DiskFull where there is no room, Failure where it breaks.
    """
    _opened(bundle)  # Python would run any other file as a program
    command = [sys.executable, str(bundle), "--out", str(out), "--threads", str(threads), "--rounds", str(rounds)]
    if engine is not None:
        command += ["--engine", engine]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        said = ""
        for line in process.stderr or ():
            said = line.strip()
            if not said.startswith("Error: "):
                print(said, file=sys.stderr)
    if process.returncode == 2:
        raise (DiskFull if said.endswith(device.FREE_SOME) else BadInput)(said.removeprefix("Error: "))
    if process.returncode:
        raise Failure(f"timing the pieces broke: {said}")
    return read_table(out)
