"""How noisy the machine is: asked before times are trusted."""

from __future__ import annotations

import hashlib

from featherlight.timing.measurement import spread
from featherlight.timing.stopwatch import measure


def noise(seconds: float = 0.2) -> float:
    """How uneven this machine is just now: the `spread` of the times of equal pieces of single-threaded work.

    An idle machine stays below 0.1; above `NOISY` near rivals cannot be told apart.
    """
    block = bytes(1 << 17)  # some 0.1 ms of hashing: C code that touches little memory and starts no thread
    return spread(measure({"hash": lambda: hashlib.blake2b(block).digest()}, seconds=seconds)["hash"])
