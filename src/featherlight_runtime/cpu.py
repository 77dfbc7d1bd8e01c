"""What this machine's processor can do, in Linux's words for it."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from pathlib import Path

from featherlight_runtime.errors import FlightError


@functools.cache
def flags() -> frozenset[str]:
    """The instruction sets of the processor as /proc/cpuinfo names them; empty where there is no such file."""
    try:
        with Path("/proc/cpuinfo").open() as lines:
            named = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
            return frozenset(next(named, "").split())
    except OSError:
        return frozenset()


def check(needed: Iterable[str]) -> None:
    """Raise FlightError that names the instruction sets which the processor lacks, if it lacks any."""
    lacking = [flag for flag in needed if flag not in flags()]
    if lacking:
        raise FlightError(
            f"the processor must have the instruction sets that the network was compiled for; it lacks "
            f"{', '.join(lacking)}: compile it for this processor"
        )


def cores() -> int:
    """How many processors this process may run on."""
    return len(os.sched_getaffinity(0))
