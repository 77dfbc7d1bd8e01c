"""The stopwatch: what a call takes, on which machine, and how sure that is. It knows no engine and no network."""

from featherlight.timing.machine import Machine, this_machine
from featherlight.timing.measurement import NOISY, Measurement, Target, spread, summarise
from featherlight.timing.noise import noise
from featherlight.timing.stopwatch import measure

__all__ = ["NOISY", "Machine", "Measurement", "Target", "measure", "noise", "spread", "summarise", "this_machine"]
