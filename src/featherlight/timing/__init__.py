"""The stopwatch: what a call takes, on which machine, and how sure that is. It knows no engine and no network."""

from featherlight.timing.intervals import NOISY_TIE, TIE, Comparison, median_interval, tell_apart
from featherlight.timing.machine import Machine, this_machine
from featherlight.timing.measurement import NOISY, Measurement, Target, Timed, spread, summarise, summarise_rounds
from featherlight.timing.noise import noise
from featherlight.timing.stopwatch import Rounds, Turn, interleave, measure, ready

__all__ = [
    "NOISY",
    "NOISY_TIE",
    "TIE",
    "Comparison",
    "Machine",
    "Measurement",
    "Rounds",
    "Target",
    "Timed",
    "Turn",
    "interleave",
    "measure",
    "median_interval",
    "noise",
    "ready",
    "spread",
    "summarise",
    "summarise_rounds",
    "tell_apart",
    "this_machine",
]
