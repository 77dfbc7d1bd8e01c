"""What a shrink leaves: a network before and after, and how sure the difference is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from featherlight import __version__
from featherlight.journal import reading
from featherlight.spec import Spec, from_json, to_json
from featherlight.timing import Comparison, Machine, Measurement, Target

RESULT = "shrink.json"
RESAMPLES = 2000
DIFFERENCE = ("mean", "low", "high")  # what its numbers are called in shrink.json


@dataclass(frozen=True)
class Shrunk:
    """A network before and after; times in seconds for one image, accuracies top-1 on the test images, 0 to 1.

    before, after  measured in the same rounds, when all was done
    ratio          of the two with its interval of 95 %, round by round; `wanted` is what it was to be
    predicted      what is written beside times that come from a latency table, "" where they were measured
    difference     of the accuracies, after less before, with its paired bootstrap interval of 95 %
    """

    folder: Path
    data: str
    seed: int
    method: str
    wanted: float
    before: Measurement
    after: Measurement
    ratio: Comparison
    predicted: str
    accuracy_before: float
    accuracy: float
    difference: tuple[float, float, float]
    multiply_adds: tuple[int, int]
    parameters: tuple[int, int]
    images: int
    widths: tuple[tuple[str, int, int], ...]
    steps: tuple[dict[str, Any], ...]
    spec: Spec

    @property
    def faster(self) -> float:
        """How many times as fast."""
        return 1 / self.ratio.ratio

    @property
    def verdict(self) -> Literal["fits", "undecided", "too slow"]:
        """Whether it is as fast as was asked for; undecided where the ratio's interval holds what was wanted."""
        if self.ratio.high <= self.wanted:
            return "fits"
        return "too slow" if self.ratio.low > self.wanted else "undecided"

    def to_json(self) -> dict[str, Any]:
        """All figures, as shrink.json keeps them."""
        return {
            "featherlight": __version__,
            "data": self.data,
            "seed": self.seed,
            "method": self.method,
            "verdict": self.verdict,
            "wanted": self.wanted,
            "ratio": {name: getattr(self.ratio, name) for name in ("ratio", "low", "high")},
            "before": time_json(self.before),
            "after": time_json(self.after),
            "predicted": self.predicted,
            "on": asdict(self.after.target),
            "faster": self.faster,
            "test_accuracy_before": self.accuracy_before,
            "test_accuracy": self.accuracy,
            "difference": dict(zip(DIFFERENCE, self.difference, strict=True)),
            "multiply_adds": list(self.multiply_adds),
            "parameters": list(self.parameters),
            "images": self.images,
            "widths": [{"name": name, "before": before, "after": after} for name, before, after in self.widths],
            "steps": list(self.steps),
            "spec": to_json(self.spec),
        }

    @classmethod
    def read(cls, folder: Path) -> Shrunk:
        """The shrink that shrink.json in `folder` tells of; BadInput where it is damaged."""
        with reading(folder / RESULT):
            document = json.loads((folder / RESULT).read_bytes())
            same = ("data", "seed", "method", "wanted", "predicted", "images")
            return cls(
                folder=folder,
                **{name: document[name] for name in same},
                before=time_from_json(document["before"], document["on"]),
                after=time_from_json(document["after"], document["on"]),
                ratio=Comparison(**document["ratio"]),
                accuracy_before=document["test_accuracy_before"],
                accuracy=document["test_accuracy"],
                difference=tuple(document["difference"][name] for name in DIFFERENCE),
                multiply_adds=tuple(document["multiply_adds"]),
                parameters=tuple(document["parameters"]),
                widths=tuple((each["name"], each["before"], each["after"]) for each in document["widths"]),
                steps=tuple(document["steps"]),
                spec=from_json(document["spec"]),
            )


def finished(out: str | os.PathLike[str]) -> dict[str, Any] | None:
    """What shrink.json says of the shrink in `out`, where it has ended."""
    path = Path(out) / RESULT
    if not path.exists():
        return None
    document: dict[str, Any] = json.loads(path.read_bytes())
    return document


def paired_difference(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> tuple[float, float, float]:
    """How much more often the second is right, with the interval in which 95 % of paired resamples lie."""
    gain = after.astype(np.float64) - before
    rng = np.random.default_rng(0)
    means = [gain[rng.integers(0, len(gain), len(gain))].mean() for _ in range(RESAMPLES)]
    low, high = (float(value) for value in np.quantile(means, (0.025, 0.975)))
    return float(gain.mean()), low, high


def time_json(measurement: Measurement) -> dict[str, Any]:
    """A measurement without its target, for a journal or a result."""
    return {name: getattr(measurement, name) for name in ("median", "p10", "p90", "runs", "noisy")}


def time_from_json(time: Mapping[str, Any], on: Mapping[str, Any]) -> Measurement:
    """The measurement that `time_json` told of, `on` the target that stands beside it."""
    machine = on["machine"]
    sets = tuple(machine["instruction_sets"])
    return Measurement(Target(**{**on, "machine": Machine(**{**machine, "instruction_sets": sets})}), **time)
