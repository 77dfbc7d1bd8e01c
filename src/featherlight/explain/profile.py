"""Where a network's time goes: every step of an engine beside what it costs and what is to be said of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from featherlight.cost import Ceilings
from featherlight.explain.guidelines import Finding
from featherlight.explain.what_if import Change
from featherlight.timing import Measurement


@dataclass(frozen=True, slots=True)
class Row:
    """One step of the engine.

    name           the module path of the operation that matters most in it; the engine's name where it has none
    kind           what that operation is, such as "depthwise convolution 3x3"; the engine's word where it has none
    block          the building block of the network that it lies in; that of the step before it for a change of layout
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
    """What comes before the network for one photograph, medians in seconds; resizing includes normalising."""

    reading: float
    decoding: float
    resizing: float


@dataclass(frozen=True, slots=True)
class Profile:
    """A network explained on one engine of one machine.

    measurement  of whole calls, with the profiler off
    remainder    seconds of a whole call that no row holds (below 0 where the profiler itself costs more than that)
    findings     where it breaks the guidelines, most time first
    what_if      the costliest findings mended and timed, where that was asked for
    """

    name: str
    input_shape: tuple[int, int, int, int]
    measurement: Measurement
    rows: tuple[Row, ...]
    remainder: float
    findings: tuple[Finding, ...]
    ceilings: Ceilings | None
    preparing: Preparing | None
    what_if: tuple[Change, ...] = ()

    @property
    def bound(self) -> float | None:
        """The sum of the steps' bounds: what this engine's steps would take at the machine's ceilings."""
        return sum(row.bound or 0.0 for row in self.rows) if self.ceilings else None

    def share(self, finding: Finding) -> float:
        """The share of the measured time that is spent in the rows of a finding."""
        return sum(row.seconds for row in self.rows if finding in row.findings) / self.measurement.median

    def to_json(self) -> dict[str, Any]:
        """What a program reads: seconds; a row names its findings by their places in the list of findings."""
        measured = asdict(self.measurement)
        places = {finding: at for at, finding in enumerate(self.findings)}
        return {
            "name": self.name,
            "input_shape": list(self.input_shape),
            "target": measured.pop("target"),
            "time": measured,
            "rows": [asdict(row) | {"findings": [places[each] for each in row.findings]} for row in self.rows],
            "remainder": self.remainder,
            "bound": self.bound,
            "findings": [asdict(each) | {"time_share": self.share(each), "text": str(each)} for each in self.findings],
            "ceilings": asdict(self.ceilings) if self.ceilings else None,
            "preparing": asdict(self.preparing) if self.preparing else None,
            "what_if": [change.to_json() for change in self.what_if],
        }
