"""What is asked of a fit, as one record that every stage reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from featherlight.data import Dataset
from featherlight.fitting.limits import Limits
from featherlight.fitting.record import Record

Say: TypeAlias = Callable[[str], None]


@dataclass(frozen=True)
class Task:
    """A fit, as far as it does not change while it runs.

    budget   seconds for one image, and `limits` beside it
    seconds  of training in all
    record   what was finished so far
    say      is told each step as a sentence
    """

    folder: Path
    dataset: Dataset
    budget: float
    limits: Limits
    seconds: float
    seed: int
    record: Record
    say: Say

    @property
    def classes(self) -> int:
        """How many classes the images have."""
        return len(self.dataset.label_names)
