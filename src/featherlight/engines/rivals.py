"""Built networks timed side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from featherlight.engines.agreement import noise
from featherlight.engines.running import Running
from featherlight.timing import Measurement, Turn, interleave, ready, summarise_rounds

SPIN = 0.01  # seconds: PyTorch's OpenMP threads spin on for 8 ms after a call, and take the next rival's cores
ALONE = 0.001  # seconds: where nothing spins, enough to bring a network back into the caches


def measure(
    rivals: Mapping[str, Running], *, seconds: float = 2.0, rounds: int | None = None
) -> dict[str, Measurement]:
    """The time of one call of each, all timed in the same rounds: see `featherlight.timing.measure`.

    The images are noise of the right shape, the same for all of one shape: no engine's time depends on what they show.
    """
    taken = interleave(turns(rivals), seconds=seconds, rounds=rounds)
    return {name: summarise_rounds(running.target, taken[name]).measurement for name, running in rivals.items()}


def turns(rivals: Mapping[str, Running]) -> dict[str, Turn]:
    """The turns of each, warmed up, for rounds that they share."""
    settle = settling(running.target.threads for running in rivals.values())
    return {name: turn_of(running, settle) for name, running in rivals.items()}


def turn_of(running: Running, settle: float) -> Turn:
    """The turns of one rival, warmed up."""
    return ready(partial(running, noise(running.input_shape)), settle=settle)


def settling(threads: Iterable[int]) -> float:
    """How long a turn's untimed calls must take, where rivals run on these numbers of threads."""
    return SPIN if max(threads, default=1) > 1 else ALONE
