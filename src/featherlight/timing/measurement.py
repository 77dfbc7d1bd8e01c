"""What a measured time is: a few numbers, and what they are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from featherlight.errors import must_be
from featherlight.timing.machine import Machine

NOISY = 0.25  # a spread above this is called noisy; an idle virtual machine of two cores stays below 0.1


@dataclass(frozen=True)
class Target:
    """What a time is for. Two times may be compared only where their targets differ in nothing but what is studied."""

    engine: str
    version: str  # of the engine
    threads: int
    precision: str  # of the arithmetic, such as "f32"
    batch: int
    machine: Machine


@dataclass(frozen=True)
class Measurement:
    """A time: median, 10th and 90th percentile in seconds a call, over `runs` timed samples."""

    target: Target
    median: float
    p10: float
    p90: float
    runs: int
    noisy: bool  # the rule: spread(samples) > NOISY


def summarise(target: Target, samples: Sequence[float]) -> Measurement:
    """The measurement that `samples` (seconds a call) make; BadInput where there is none, or one not above 0."""
    if len(samples) == 0 or not all(time > 0 for time in samples):
        raise must_be("samples", "one or more times above 0", list(samples))
    p10, median, p90 = (float(value) for value in np.quantile(samples, (0.1, 0.5, 0.9)))
    return Measurement(target, median, p10, p90, len(samples), noisy=spread(samples) > NOISY)


def spread(samples: Sequence[float]) -> float:
    """How far the 90th percentile lies above the 10th, as a share of the median (0: every sample is the same)."""
    p10, median, p90 = np.quantile(samples, (0.1, 0.5, 0.9))
    return float((p90 - p10) / median)
