"""What a search leaves: the network, what it was chosen from, and how the search went."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from featherlight import __version__
from featherlight.journal import reading
from featherlight.searching.architecture import Line
from featherlight.searching.finals import Finalist
from featherlight.searching.front import Found, front
from featherlight.searching.space import Genes, Space
from featherlight.shrinking.result import time_from_json, time_json
from featherlight.spec import Spec, from_json, to_json
from featherlight.timing import Measurement

RESULT = "search.json"


@dataclass(frozen=True)
class Searched:
    """A network that was searched for; times in seconds for one image, accuracies top-1, 0 to 1.

    measurement    of the network in its folder, timed when all was done
    predicted      what is written beside times that come from a latency table of another device, "" where measured
    found          every network that was judged, in order, by what the search estimates
    finalists      those that were trained alone, best first
    images         that the winner saw in training
    table          the architecture, as the papers print theirs
    seconds        that each stage took by the clock
    """

    folder: Path
    data: str
    seed: int
    space: Space
    method: str
    budget: float
    measurement: Measurement
    predicted: str
    validation_accuracy: float
    test_accuracy: float
    found: tuple[Found, ...]
    finalists: tuple[Finalist, ...]
    images: int
    parameters: int
    multiply_adds: int
    spec: Spec
    table: tuple[Line, ...]
    seconds: Mapping[str, float]

    @property
    def verdict(self) -> Literal["fits", "too slow"]:
        """Whether the 90th percentile keeps the budget; of a prediction, its upper end."""
        return "fits" if self.measurement.p90 <= self.budget else "too slow"

    @property
    def front(self) -> tuple[Found, ...]:
        """Those judged that no other one beats in both accuracy and time, quickest first."""
        return front(self.found)

    def to_json(self) -> dict[str, Any]:
        """All figures, as search.json keeps them."""
        return {
            "featherlight": __version__,
            "data": self.data,
            "seed": self.seed,
            "space": {"name": self.space.name, "size": self.space.size, "digest": self.space.digest},
            "method": self.method,
            "budget": self.budget,
            "verdict": self.verdict,
            "time": time_json(self.measurement),
            "on": asdict(self.measurement.target),
            "predicted": self.predicted,
            "validation_accuracy": self.validation_accuracy,
            "test_accuracy": self.test_accuracy,
            "images": self.images,
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "table": [line.to_json() for line in self.table],
            "spec": to_json(self.spec),
            "finalists": [_finalist(each, self.space) for each in self.finalists],
            "front": [_found(each, self.space) for each in self.front],
            "found": [each.to_json() for each in self.found],
            "seconds": dict(self.seconds),
        }

    @classmethod
    def read(cls, folder: Path, space: Space) -> Searched:
        """The search of `space` that search.json in `folder` tells of; BadInput where it is damaged."""
        with reading(folder / RESULT):
            document = json.loads((folder / RESULT).read_bytes())
            found = tuple(Found(**{**each, "genes": tuple(each["genes"])}) for each in document["found"])
            of = {each.genes: each for each in found}
            same = ("data", "seed", "method", "budget", "predicted", "validation_accuracy", "test_accuracy", "images",
                    "parameters", "multiply_adds", "seconds")  # fmt: skip
            return cls(
                folder=folder,
                space=space,
                **{name: document[name] for name in same},
                measurement=time_from_json(document["time"], document["on"]),
                found=found,
                finalists=tuple(_read_finalist(each, document["on"], of) for each in document["finalists"]),
                spec=from_json(document["spec"]),
                table=tuple(Line(**line) for line in document["table"]),
            )


def best_so_far(found: Sequence[Found]) -> list[tuple[float, float]]:
    """The timeline of a search: seconds since it began, and the best accuracy until then."""
    line: list[tuple[float, float]] = []
    for each in found:
        if not line or each.accuracy > line[-1][1]:
            line.append((each.at, each.accuracy))
    return line


def _found(found: Found, space: Space) -> dict[str, Any]:
    return found.to_json() | {"options": space.named(found.genes)}


def _finalist(finalist: Finalist, space: Space) -> dict[str, Any]:
    return {
        "genes": list(finalist.found.genes),
        "estimated_accuracy": finalist.found.accuracy,
        "predicted_seconds": finalist.found.seconds,
        "validation_accuracy": finalist.accuracy,
        "images": finalist.images,
        "images_per_second": finalist.rate,
        "threads": finalist.threads,
        "time": time_json(finalist.measurement),
        "spec": to_json(finalist.spec),
    }


def _read_finalist(told: Mapping[str, Any], on: Mapping[str, Any], found: Mapping[Genes, Found]) -> Finalist:
    return Finalist(
        found=found[tuple(told["genes"])],
        spec=from_json(told["spec"]),
        measurement=time_from_json(told["time"], on),
        accuracy=told["validation_accuracy"],
        images=told["images"],
        rate=told["images_per_second"],
        threads=told["threads"],
    )
