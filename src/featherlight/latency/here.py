"""A bundle timed on this machine, as any other device would time it: by its own script, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from featherlight.errors import BadInput, Failure
from featherlight.latency import device
from featherlight.latency.table import LatencyTable, read_table


def time_here(
    bundle: Path, out: Path, *, engine: str | None = None, threads: int = 1, rounds: int = device.ROUNDS
) -> LatencyTable:
    """The table that the bundle's script writes to `out`; its progress goes to standard error.

    What an earlier call for the same bundle and `out` finished is not done again. Raises BadInput with the script's
    own sentence for what it cannot use, Failure where it breaks.
    """
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
        raise BadInput(said.removeprefix("Error: "))
    if process.returncode:
        raise Failure(f"timing the pieces broke: {said}")
    return read_table(out)
