"""Where a network's time goes: every step of an engine beside what it costs and what is to be said of it."""

from __future__ import annotations

from dataclasses import dataclass

from featherlight.cost import Ceilings
from featherlight.explain.guidelines import Finding
from featherlight.timing import Measurement


@dataclass(frozen=True, slots=True)
class Row:
    """One step of the engine.

    name           the module path of the operation that matters most in it; the engine's name where it has none
    kind           what that operation is, such as "depthwise convolution 3x3"; the engine's word where it has none
    block          the building block of the network that it lies in, "" where it has none
    operations     how many of the graph's operations it covers
    seconds        as the engine's profiler gives them
    memory_access  elements read and written by the step as a whole: what passes between its operations is not counted
    bound          the least seconds the machine allows for it (roofline), None without ceilings
    limit          what sets the bound: "arithmetic" or "memory", None without ceilings
    """

    name: str
    kind: str
    block: str
    operations: int
    seconds: float
    parameters: int
    multiply_adds: int
    memory_access: int
    bytes_moved: int
    bound: float | None
    limit: str | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Preparing:
    """What comes before the network for one photograph, medians in seconds."""

    reading: float
    decoding: float
    resizing: float


@dataclass(frozen=True, slots=True)
class Profile:
    """A network explained on one engine of one machine.

    measurement  of whole calls, with the profiler off
    remainder    seconds of a whole call that no row holds (below 0 where the profiler itself costs more than that)
    """

    name: str
    input_shape: tuple[int, int, int, int]
    measurement: Measurement
    rows: tuple[Row, ...]
    remainder: float
    findings: tuple[Finding, ...]
    ceilings: Ceilings | None
    preparing: Preparing | None
