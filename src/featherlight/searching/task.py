"""What is asked of a search, as one record that every stage reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from featherlight.data import Dataset, Preprocessing
from featherlight.journal import Record
from featherlight.now_and_then import now_and_then
from featherlight.searching.asked import Method
from featherlight.searching.space import Space
from featherlight.training import Recipe, recipe_for
from featherlight.training.loop import Progress

Say: TypeAlias = Callable[[str], None]

WORK = "searching"  # the folder, in the one to make, of what is under way


@dataclass(frozen=True)
class Task:
    """A search, as far as it does not change while it runs.

    budget    seconds for one image, which the 90th percentile is to keep
    exponent  of MnasNet's reward; None judges by accuracy alone, within the budget
    trials    networks to judge; None as many as there is time for
    images    of the longest training of a network in a study; None as many as suit the time and the pace
    seconds   of training in all
    engine    that runs the network, or "auto"; on so many `threads`
    study     where Optuna keeps its study; None is a file among the work
    target    the latency table of the device that the network is for, if it is another one: times are predictions
    record    what was finished so far
    say       is told each step as a sentence
    """

    folder: Path
    dataset: Dataset
    preprocessing: Preprocessing
    space: Space
    budget: float
    exponent: float | None
    method: Method
    trials: int | None
    images: int | None
    seconds: float
    engine: str
    threads: int
    study: str | None
    seed: int
    target: Path | None
    record: Record
    say: Say

    @property
    def work(self) -> Path:
        """Where weights, times and the study are kept until it has ended."""
        return self.folder / WORK

    @property
    def ends(self) -> tuple[int, int]:
        """Classes, and channels of the images."""
        return len(self.dataset.label_names), self.preprocessing.channels

    @property
    def image(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        return self.preprocessing.channels, self.preprocessing.size, self.preprocessing.size

    @property
    def recipe(self) -> Recipe:
        """Of training from scratch."""
        return recipe_for(self.preprocessing.size)

    def progress(self, what: str) -> Progress:
        """To be told of the steps of a training of `what`; says how far it is, now and then."""

        def progress(step: int, steps: int, loss: float, left: float) -> None:
            self.say(f"training {what}: step {step} of {steps}, loss {loss:.3f}, {left:.0f} s left")

        return now_and_then(progress)
