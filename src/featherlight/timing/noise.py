"""How noisy the machine is: asked before times are trusted."""

from __future__ import annotations

import hashlib

from featherlight.timing.measurement import spread
from featherlight.timing.stopwatch import measure


def noise(seconds: float = 0.5) -> float:
    """How uneven this machine is just now: the `spread` of the times of equal pieces of single-threaded work.

    A piece takes some 3 ms, as a network does: shorter ones slip through between two interruptions and see no noise.
    An idle machine stays below 0.1; above `NOISY` near rivals cannot be told apart.
    """
    return spread(measure({"work": _work}, seconds=seconds)["work"])


def _work() -> None:
    block, digest = bytes(1 << 16), hashlib.blake2b()  # C code that stays in the first caches and starts no thread
    for _ in range(32):
        digest.update(block)
