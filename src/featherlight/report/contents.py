"""What the page shows, as data: one chapter a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
              prediction's interval, and equal to the median where it has none
    chosen    the chapter is about this one
    joined    a line leads from it to the next of its chapter that is joined: the front of a search
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
    joined: bool = False

    @property
    def spread(self) -> bool:
        """Whether there is more than one time to tell."""
        return self.p10 < self.p90


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


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is read: `rows` are names of columns to values; `open` shows it before anyone asks for it."""

    title: str
    text: str
    rows: tuple[dict[str, Any], ...]
    open: bool = False


def columns(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Those that any row has, in the order in which they come."""
    return list(dict.fromkeys(name for row in rows for name in row))


@dataclass(frozen=True, eq=False)
class Chapter:
    """One network. Where a sentence stands for a profile or an evaluation, it says why there is none.

    source    the folder, file or name that was given
    lead      a sentence under the title
    label     as a mark's: the result's times are no measured ones
    budget    seconds for one image, where there was one
    marks     the network itself, and those that it was chosen from
    pictures  a thumbnail as a data URI for each of the evaluation's worst mistakes, "" where it cannot be had
    commands  that make all this again
    steps     the stages of its fit, where it had more than one
    tables    what else there is to tell of it
    limit     what the budget is called in the chart
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
    tables: tuple[Table, ...] = ()
    limit: str = "budget"

    def to_json(self) -> dict[str, Any]:
        """All figures; times are in seconds, but for the tables, which are as they are read."""
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
            "tables": [{"title": table.title, "rows": list(table.rows)} for table in self.tables],
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
