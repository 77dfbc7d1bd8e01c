"""What is asked of a shrink, as one record that every stage reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from featherlight.data import Dataset, Preprocessing
from featherlight.journal import Record
from featherlight.latency import LatencyTable
from featherlight.predict import Classifier
from featherlight.shrinking.asked import Asked
from featherlight.spec import Spec

Say: TypeAlias = Callable[[str], None]

WORK = "shrinking"  # the folder, in the one to make, of what is under way


@dataclass(frozen=True)
class Task:
    """A shrink, as far as it does not change while it runs.

    start   the network as it was trained
    table   of the device that the network is for, if it is another one: then times are predictions
    record  what was finished so far
    say     is told each step as a sentence
    """

    folder: Path
    asked: Asked
    start: Classifier
    dataset: Dataset
    table: LatencyTable | None
    record: Record
    say: Say

    @property
    def work(self) -> Path:
        """Where weights and times are kept until it has ended."""
        return self.folder / WORK

    @property
    def spec(self) -> Spec:
        """Of the network as it was."""
        return self.start.model.spec

    @property
    def preprocessing(self) -> Preprocessing:
        """What the network expects of an image, before and after."""
        return self.start.preprocessing

    @property
    def ends(self) -> tuple[int, int]:
        """Classes, and channels of the images."""
        return len(self.dataset.label_names), self.preprocessing.channels

    @property
    def image(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        return self.preprocessing.channels, self.preprocessing.size, self.preprocessing.size
