"""What a measured time is: a few numbers, and what they are for."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from featherlight.errors import must_be
from featherlight.timing.intervals import median_interval
from featherlight.timing.machine import Machine
from featherlight.timing.stopwatch import Rounds

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
    device: str = "cpu"  # or the name of the GPU


@dataclass(frozen=True)
class Measurement:
    """A time: median, 10th and 90th percentile in seconds a call, over `runs` timed samples."""

    target: Target
    median: float
    p10: float
    p90: float
    runs: int
    noisy: bool  # the rule: spread(samples) > NOISY
    interval: tuple[float, float] | None = None  # of the median, 95 % confidence; None for too few rounds to know


@dataclass(frozen=True)
class Timed:
    """A measurement, and the median of each round behind it: what `tell_apart` compares rivals by."""

    measurement: Measurement
    rounds: tuple[float, ...]


def summarise(target: Target, samples: Sequence[float]) -> Measurement:
    """The measurement that `samples` (seconds a call) make; BadInput where there is none, or one not above 0."""
    if len(samples) == 0 or not all(time > 0 for time in samples):
        raise must_be("samples", "one or more times above 0", list(samples))
    p10, median, p90 = (float(value) for value in np.quantile(samples, (0.1, 0.5, 0.9)))
    noisy = spread(samples) > NOISY
    return Measurement(target, median, p10, p90, len(samples), noisy, median_interval(samples))


def summarise_rounds(target: Target, rounds: Rounds) -> Timed:
    """The measurement that the samples of several rounds make; its interval is that of the rounds' medians.

    A round of short calls has more samples than one of long calls, so the median over all samples may lie outside that
    interval where the noise is large: the interval is then widened to it.
    """
    measured = summarise(target, list(chain.from_iterable(rounds)))
    medians = tuple(statistics.median(samples) for samples in rounds)
    interval = median_interval(medians)
    if interval is not None:
        interval = min(interval[0], measured.median), max(interval[1], measured.median)
    return Timed(replace(measured, interval=interval), medians)


def spread(samples: Sequence[float]) -> float:
    """How far the 90th percentile lies above the 10th, as a share of the median (0: every sample is the same)."""
    p10, median, p90 = np.quantile(samples, (0.1, 0.5, 0.9))
    return float((p90 - p10) / median)
