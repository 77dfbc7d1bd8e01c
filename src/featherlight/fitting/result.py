"""What a fit leaves: a hub folder, the exported network, the figures, the picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from featherlight import __version__
from featherlight.files import write_json
from featherlight.fitting.candidates import Candidate
from featherlight.fitting.effort import Effort
from featherlight.fitting.heats import Heat
from featherlight.fitting.judge import ONNX
from featherlight.fitting.limits import Breach, Limits
from featherlight.fitting.select import Verdict
from featherlight.fitting.stage import Judged, Stage
from featherlight.fitting.task import Task
from featherlight.fitting.time_candidates import Timed
from featherlight.models import entry
from featherlight.predict import Classifier, Exported, load
from featherlight.report import Point, draw
from featherlight.timing import Measurement
from featherlight.timing.budget import show_time

JOURNAL = "journal.jsonl"
RESULT = "fit.json"
PICTURE = "accuracy_time.png"


@dataclass(frozen=True)
class Fitted:
    """A trained network that was found for a budget, how it did, and how it was found.

    stages         those that have ended, in order, the first of which chose among the registered networks
    candidate      that one's choice
    label          "" for measured times, else what stands beside each, such as "predicted for Raspberry Pi 4": then
                   nothing was timed, and p10 and p90 are the ends of the prediction's interval
    accuracies     the last validation accuracy of every candidate that was trained at all
    heats          all of the first stage, the last one that of its choice
    rungs          after each, the errors predicted for the end of the time, and who went on
    candidates     every candidate that was timed
    ruled_out      those that a limit ruled out before they were timed
    """

    folder: Path
    data: str
    seed: int
    budget: float
    limits: Limits
    effort: Effort
    stages: tuple[Stage, ...]
    candidate: Candidate
    accuracies: Mapping[Candidate, float]
    heats: tuple[Heat, ...]
    rungs: tuple[Mapping[str, Any], ...]
    candidates: tuple[Timed, ...]
    ruled_out: tuple[Breach, ...]
    broken_images: tuple[str, ...]
    label: str = ""

    @property
    def network(self) -> Judged:
        """The network that is in the folder: that of the last stage whose network was kept."""
        return next(stage.judged for stage in reversed(self.stages) if stage.kept and stage.judged)

    @property
    def name(self) -> str:
        """Such as "shufflenet_v2 0.5x at 28", or "shufflenet_v2 1x at 28, shrunk"."""
        return self.network.entrant.name

    @property
    def verdict(self) -> Verdict:
        """Whether the written network, timed from its file, keeps the budget (its 90th percentile)."""
        return self.network.verdict

    @property
    def measurement(self) -> Measurement:
        """That time, in seconds for one image; its target names engine and threads."""
        return self.network.measurement

    @property
    def doubt(self) -> str:
        """Where the written network broke the budget on a busy machine: a sentence on that, else ""."""
        if self.verdict not in ("too slow", "undecided") or not self.measurement.noisy:
            return ""
        # A later stage's network is kept only where it fits: this is the one of the first stage.
        first = next(each.measurement for each in self.candidates if each.candidate == self.candidate)
        return (
            f"the machine was busy while the network was timed from its file: when it was chosen, it took "
            f"{show_time(first.median)} (p90 {show_time(first.p90)}); `featherlight doctor` tells how busy it is now, "
            f"and `featherlight profile {self.folder}` on a quiet one times it again"
        )

    @property
    def validation_accuracy(self) -> float:
        """Top-1 on the validation images, 0 to 1: by these one network is preferred to another."""
        return self.network.validation_accuracy

    @property
    def test_accuracy(self) -> float:
        """Top-1, 0 to 1; the test images were used for such figures alone."""
        return self.network.test_accuracy

    @property
    def weights(self) -> str | None:
        """The public weights that it started from, None where it was trained from scratch."""
        return self.network.entrant.weights

    @property
    def weights_bytes(self) -> int:
        """Size of the file of weights."""
        return self.network.weights_bytes

    @property
    def memory_bytes(self) -> int:
        """Of the weights and the activations that are alive at once."""
        return self.network.memory_bytes

    @property
    def exported(self) -> Exported:
        """How the exported network was held against the trained one."""
        return self.network.exported

    @property
    def training(self) -> Heat:
        """The last heat of `candidate`."""
        return self.heats[-1]

    @property
    def picture(self) -> Path:
        """Accuracy against measured time, every candidate a point."""
        return self.folder / PICTURE

    def classifier(self) -> Classifier:
        """The network, ready to name photographs."""
        return load(self.folder)

    def to_json(self) -> dict[str, Any]:
        """All figures, as fit.json keeps them; times are in seconds.

        What is named by no stage is of the network in the folder; `training`, `heats` and what follows are of the
        first stage.
        """
        entrant, training = self.network.entrant, self.training
        return {
            "featherlight": __version__,
            "data": self.data,
            "seed": self.seed,
            "budget": self.budget,
            "effort": self.effort,
            "network": entrant.name,
            "architecture": entrant.architecture or None,
            "width": entrant.width,
            "size": entrant.size,
            "verdict": self.verdict,
            "time": {key: value for key, value in asdict(self.measurement).items() if key != "target"},
            "target": asdict(self.measurement.target),
            "times": self.label or "measured",
            "validation_accuracy": self.validation_accuracy,
            "test_accuracy": self.test_accuracy,
            "limits": asdict(self.limits),
            "weights": self.weights,
            "weights_bytes": self.weights_bytes,
            "memory_bytes": self.memory_bytes,
            "export": asdict(self.exported) | {"path": ONNX, "images": f"validation images of {self.data}"},
            "stages": [stage.figures() for stage in self.stages],
            "training": {"name": self.candidate.name} | _heat_to_json(training) | {"recipe": training.recipe},
            "heats": [{"name": heat.candidate.name, **_heat_to_json(heat)} for heat in self.heats],
            "rungs": [{key: value for key, value in rung.items() if key != "event"} for rung in self.rungs],
            "candidates": [
                each.to_json() | {"validation_accuracy": self.accuracies.get(each.candidate)}
                for each in self.candidates
            ],
            "ruled_out": [
                {"name": each.candidate.name, "verdict": each.verdict, "bytes": each.bytes} for each in self.ruled_out
            ],
            "broken_images": list(self.broken_images),
        }


def write_figures(fitted: Fitted, home: Path) -> None:
    """The picture, and then fit.json, in the folder `home`."""
    _draw(fitted, home / PICTURE)
    write_json(home / RESULT, fitted.to_json())


def card_notes(
    task: Task, effort: Effort, name: str, size: int, time: Measurement, accuracy: float, weights: str | None
) -> str:
    """What the model card says of how a network was found, as Markdown."""
    target = time.target
    took = f"{show_time(time.median)} an image (p90 {show_time(time.p90)})"
    if task.label:
        took = f"{task.label}: {show_time(time.median)} an image ({show_time(time.p90)} at most), not measured,"
    origin = f"the weights {weights}" if weights else "scratch"
    command = "featherlight fit" + (f" --effort {effort}" if effort != "quick" else "")
    return (
        f"Chosen by `{command}` for {size} x {size} images of {task.dataset.source} within "
        f"{show_time(task.budget)}: {name}, {took} on "
        f"{target.engine}, {target.threads} thread(s), {target.machine.cpu}. Validation accuracy "
        f"{accuracy:.1%}. Trained from {origin}; the licence "
        "hangs on that of what it was trained from and on. fit.json holds all figures."
    )


def told(judged: Judged, task: Task) -> str:
    """A sentence on how a written network keeps the budget."""
    kept = {
        "fits": "keeps the budget",
        "undecided": "may or may not keep the budget: the noise is larger than the gap",
        "too slow": "DOES NOT keep the budget now",
    }.get(judged.verdict, f"is {judged.verdict}, with a budget")
    took, budget = judged.measurement, show_time(task.budget)
    if task.label:
        return f"{task.label}: {show_time(took.median)}, {show_time(took.p90)} at most, of {budget}"
    return f"timed again from its file: {show_time(took.median)}, p90 {show_time(took.p90)}: {kept} of {budget}"


def _heat_to_json(heat: Heat) -> dict[str, Any]:
    return {
        "rung": heat.rung,
        "steps": heat.steps,
        "images": heat.images,
        "images_in_all": heat.images_in_all,
        "seconds": heat.seconds,
        "images_per_second": heat.images_per_second,
        "threads": heat.threads,
        "validation_accuracy": heat.accuracy,
        "failed": heat.failed,
    }


def _draw(fitted: Fitted, path: Path) -> None:
    """Every candidate a point, and what the stages after the first one made of them."""
    points = [
        Point(
            each.candidate.name,
            entry(each.candidate.architecture).family,
            each.measurement.median,
            each.measurement.p10,
            each.measurement.p90,
            fitted.accuracies.get(each.candidate),
            chosen=each.candidate.name == fitted.name,
        )
        for each in fitted.candidates
    ]
    for judged in (stage.judged for stage in fitted.stages[1:] if stage.judged):
        time, entrant = judged.measurement, judged.entrant
        family = entry(entrant.architecture).family if entrant.architecture else "found"
        points.append(Point(entrant.name, family, time.median, time.p10, time.p90, judged.validation_accuracy,
                            chosen=entrant.name == fitted.name))  # fmt: skip
    target = fitted.measurement.target
    title = (
        f"{fitted.data}: {fitted.name}, {fitted.test_accuracy:.1%} on the test images\n"
        f"{target.engine}, {target.threads} thread(s), {fitted.label or target.machine.cpu}"
    )
    draw(points, fitted.budget, path, title=title, accuracy="validation accuracy, %")
