"""Built networks timed side by side."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from featherlight.engines.agreement import noise
from featherlight.engines.running import Running
from featherlight.timing import Measurement, stopwatch, summarise

SPIN = 0.01  # seconds: PyTorch's OpenMP threads spin on for 8 ms after a call, and take the next rival's cores


def measure(
    rivals: Mapping[str, Running], *, seconds: float = 2.0, rounds: int | None = None
) -> dict[str, Measurement]:
    """The time of one call of each, all timed in the same rounds: see `featherlight.timing.measure`.

    The images are noise of the right shape, the same for all of one shape: no engine's time depends on what they show.
    """
    calls = {name: partial(running, noise(running.input_shape)) for name, running in rivals.items()}
    settle = SPIN if any(running.target.threads > 1 for running in rivals.values()) else 0.001
    samples = stopwatch.measure(calls, seconds=seconds, rounds=rounds, settle=settle)
    return {name: summarise(running.target, samples[name]) for name, running in rivals.items()}
