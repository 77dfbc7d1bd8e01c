"""What the page shows, as data: one chapter a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from featherlight.timing import Machine

if TYPE_CHECKING:
    from featherlight.explain.profile import Profile
    from featherlight.predict import Evaluation


@dataclass(frozen=True, slots=True)
class Mark:
    """A network on the plane of accuracy and time: seconds for one image, with 10th and 90th percentile.

    verdict   "fits", "too slow" or "undecided" against the budget, "" where there is none
    accuracy  top-1, 0 to 1, None where nothing is known; `of` says what it was asked about
    final     the accuracy is of the network as it is used, and not of one that was trained for a short heat
    label     "" for a measured time, else such as "predicted for Raspberry Pi 4"; then p10 and p90 are the ends of the
              prediction's interval
    chosen    the chapter is about this one
    """

    name: str
    family: str
    median: float
    p10: float
    p90: float
    engine: str
    threads: int
    verdict: str = ""
    accuracy: float | None = None
    of: str = ""
    final: bool = True
    label: str = ""
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure worth large print: "Time for one image", "0.628 ms", "p10 0.602 ms, p90 0.682 ms"."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A stage of a fit and what it bought: seconds for one image, accuracies top-1, 0 to 1, seconds of training.

    network  that it made, "" where it made none; its figures are None then
    kept     its network took the place of the one before; else `note` says why not
    table    of that network's channels or rows, for a reader: names of columns to values, the same in each row
    """

    name: str
    network: str
    median: float | None
    p90: float | None
    validation_accuracy: float | None
    test_accuracy: float | None
    seconds: float
    kept: bool
    note: str
    table: tuple[dict[str, Any], ...] = ()

    @property
    def columns(self) -> list[str]:
        """Of the table, those that any row has."""
        return list(dict.fromkeys(name for row in self.table for name in row))


@dataclass(frozen=True, eq=False)
class Chapter:
    """One network. Where a sentence stands for a profile or an evaluation, it says why there is none.

    source    the folder, file or name that was given
    lead      a sentence under the title
    label     as a mark's: the fit's times are no measured ones
    budget    seconds for one image, where a fit had one
    marks     the network itself, and the candidates of its fit
    pictures  a thumbnail as a data URI for each of the evaluation's worst mistakes, "" where it cannot be had
    commands  that make all this again
    steps     the stages of its fit, where it had more than one
    """

    source: str
    title: str
    lead: str
    label: str
    budget: float | None
    marks: tuple[Mark, ...]
    facts: tuple[Fact, ...]
    profile: Profile | str
    evaluation: Evaluation | str
    pictures: tuple[str, ...]
    commands: tuple[str, ...]
    steps: tuple[Step, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All figures; times are in seconds."""
        return {
            "source": self.source,
            "title": self.title,
            "budget": self.budget,
            "networks": [asdict(mark) for mark in self.marks],
            "profile": None if isinstance(self.profile, str) else self.profile.to_json(),
            "evaluation": None if isinstance(self.evaluation, str) else self.evaluation.to_json(),
            "missing": [each for each in (self.profile, self.evaluation) if isinstance(each, str)],
            "commands": list(self.commands),
            "stages": [asdict(step) for step in self.steps],
        }


@dataclass(frozen=True, eq=False)
class Report:
    """Everything on the page. `versions` are of the software that took part, `day` is when it was written."""

    chapters: Sequence[Chapter]
    machine: Machine
    versions: dict[str, str]
    day: str

    def to_json(self) -> dict[str, Any]:
        """All figures of all chapters."""
        return {
            "featherlight": self.versions["featherlight"],
            "day": self.day,
            "machine": asdict(self.machine),
            "versions": self.versions,
            "chapters": [chapter.to_json() for chapter in self.chapters],
        }
