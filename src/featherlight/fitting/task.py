"""What is asked of a fit, as one record that every stage reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from featherlight.data import Dataset
from featherlight.fitting.limits import Limits
from featherlight.journal import Record
from featherlight.latency import LatencyTable
from featherlight.timing import Machine, this_machine

Say: TypeAlias = Callable[[str], None]


@dataclass(frozen=True)
class Task:
    """A fit, as far as it does not change while it runs.

    budget   seconds for one image, and `limits` beside it
    seconds  of training in all
    record   what was finished so far
    say      is told each step as a sentence
    table    of the device that the network is for, if it is another one: then times are predictions
    """

    folder: Path
    dataset: Dataset
    budget: float
    limits: Limits
    seconds: float
    seed: int
    record: Record
    say: Say
    table: LatencyTable | None = None

    @property
    def classes(self) -> int:
        """How many classes the images have."""
        return len(self.dataset.label_names)

    @property
    def machine(self) -> Machine:
        """The one that the budget is for."""
        return this_machine() if self.table is None else self.table.target.machine

    @property
    def label(self) -> str:
        """What is written beside a time that was not measured, such as "predicted for Raspberry Pi 4"; else ""."""
        return "" if self.table is None else self.table.label
