"""What a folder says of the network in it, as far as the page shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featherlight.models import entry, list_models
from featherlight.report.contents import Fact, Mark, Step, Table
from featherlight.report.numbers import show_share, show_time

# A verdict of a budget, in words.
KEPT = {"fits": "kept", "undecided": "the noise is larger than the gap", "too slow": "not kept"}


@dataclass(frozen=True, slots=True)
class Result:
    """A chapter without what is measured for it; the fields of one name are described there.

    data, seed  by which the images are found again, in the same splits
    engine      and `threads` with which the network was timed; None where nothing was timed
    accuracy    on validation images, None where that is not known
    """

    title: str
    lead: str
    label: str
    data: str
    seed: int
    budget: float | None
    marks: tuple[Mark, ...]
    facts: tuple[Fact, ...]
    engine: str | None
    threads: int | None
    accuracy: float | None
    commands: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    tables: tuple[Table, ...] = ()
    limit: str = "budget"


def family(architecture: str | None) -> str:
    """The family of a registered network: "mobilenet_v3"; "other" for one that is not."""
    return entry(architecture).family if architecture in list_models() else "other"


def first_event(journal: Path) -> dict[str, Any]:
    """What was asked for, as the first line of a journal has it; empty where there is none that can be read."""
    try:
        with journal.open("rb") as file:
            first = json.loads(file.readline())
        return dict(first) if first["event"] == "start" else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def right(document: Mapping[str, Any]) -> Fact:
    """The two accuracies."""
    validation = f"validation images: {show_share(document['validation_accuracy'])}"
    return Fact("Right on test images", show_share(document["test_accuracy"]), validation)


def timed(time: Mapping[str, Any], label: str) -> Fact:
    """A time with its spread, or with the interval of a prediction, which `label` calls so."""
    spread = f"{show_time(time['p10'])} to {show_time(time['p90'])}"
    noisy = "; the machine was busy" if time["noisy"] else ""
    return Fact(
        "Time for one image",
        show_time(time["median"]),
        f"{label}: {spread}" if label else f"80 % within {spread}{noisy}",
    )
