"""What a fit leaves: a hub folder, the exported network, the figures, the picture; all checked once written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from featherlight import __version__
from featherlight.cost import memory
from featherlight.data import Dataset, Preprocessing
from featherlight.engines import ModuleSource, OnnxSource
from featherlight.files import write_json
from featherlight.fitting.candidates import Candidate
from featherlight.fitting.heats import Heat
from featherlight.fitting.limits import Breach, Limits
from featherlight.fitting.predicted_bench import AnyBench, PredictedBench
from featherlight.fitting.select import AGAIN, Verdict, verdict
from featherlight.fitting.task import Task
from featherlight.fitting.time_candidates import Field, Timed
from featherlight.fitting.train_candidates import Winner
from featherlight.fitting.weights import start_of
from featherlight.models import entry
from featherlight.predict import Classifier, Exported, export, load
from featherlight.pretrained import save
from featherlight.pretrained.repository import SAFETENSORS
from featherlight.report import Point, draw
from featherlight.timing import Measurement, Target
from featherlight.timing.budget import show_time
from featherlight.training import evaluate

JOURNAL = "journal.jsonl"
RESULT = "fit.json"
ONNX = "model.onnx"
PICTURE = "accuracy_time.png"

CHECKED_ON = 64  # validation images that the exported network is compared on


@dataclass(frozen=True)
class Fitted:
    """A trained network that was chosen for a budget, and how it did.

    verdict        whether the written network, timed again, keeps the budget (its 90th percentile)
    measurement    that time, in seconds for one image; its target names engine and threads
    label          "" for measured times, else what stands beside each, such as "predicted for Raspberry Pi 4": then
                   nothing was timed, and p10 and p90 are the ends of the prediction's interval
    weights_bytes  size of the file of weights
    memory_bytes   of the weights and the activations that are alive at once
    test_accuracy  top-1, 0 to 1; the test images were used for this figure alone
    weights        the public weights that it started from, None where it was trained from scratch
    accuracies     the last validation accuracy of every candidate that was trained at all
    training       the last heat of the one that was chosen, `heats` all of them
    rungs          after each, the errors predicted for the end of the time, and who went on
    candidates     every candidate that was timed
    ruled_out      those that a limit ruled out before they were timed
    """

    folder: Path
    data: str
    seed: int
    budget: float
    candidate: Candidate
    verdict: Verdict
    measurement: Measurement
    limits: Limits
    weights_bytes: int
    memory_bytes: int
    test_accuracy: float
    weights: str | None
    accuracies: Mapping[Candidate, float]
    heats: tuple[Heat, ...]
    rungs: tuple[Mapping[str, Any], ...]
    candidates: tuple[Timed, ...]
    ruled_out: tuple[Breach, ...]
    exported: Exported
    broken_images: tuple[str, ...]
    label: str = ""

    @property
    def name(self) -> str:
        """Such as "shufflenet_v2 0.5x at 28"."""
        return self.candidate.name

    @property
    def validation_accuracy(self) -> float:
        """Top-1 on the validation images, 0 to 1."""
        return self.accuracies[self.candidate]

    @property
    def training(self) -> Heat:
        """The last heat of the network that was chosen."""
        return self.heats[-1]

    @property
    def picture(self) -> Path:
        """Accuracy against measured time, every candidate a point."""
        return self.folder / PICTURE

    def classifier(self) -> Classifier:
        """The network, ready to name photographs."""
        return load(self.folder)

    def to_json(self) -> dict[str, Any]:
        """All figures, as fit.json keeps them; times are in seconds."""
        training, candidate = self.training, self.candidate
        return {
            "featherlight": __version__,
            "data": self.data,
            "seed": self.seed,
            "budget": self.budget,
            "network": candidate.name,
            "architecture": candidate.architecture,
            "width": candidate.width,
            "size": candidate.size,
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
            "training": _heat_to_json(training) | {"recipe": training.recipe},
            "heats": [{"name": heat.candidate.name, **_heat_to_json(heat)} for heat in self.heats],
            "rungs": [{key: value for key, value in rung.items() if key != "event"} for rung in self.rungs],
            "export": asdict(self.exported) | {"path": ONNX, "images": f"validation images of {self.data}"},
            "candidates": [
                each.to_json() | {"validation_accuracy": self.accuracies.get(each.candidate)}
                for each in self.candidates
            ],
            "ruled_out": [
                {"name": each.candidate.name, "verdict": each.verdict, "bytes": each.bytes} for each in self.ruled_out
            ],
            "broken_images": list(self.broken_images),
        }


def write(task: Task, found: Field, winner: Winner, bench: AnyBench) -> Fitted:
    """Write the winner to the task's folder, load it from there, check it, time it, and only then write its figures.

    Raises Failure where the exported network says something else than the trained one.
    """
    folder, dataset = task.folder, task.dataset
    start = start_of(task, winner.candidate)
    preprocessing = start.preprocessing
    chosen = next(each for each in found.timed if each.candidate == winner.candidate)
    save(
        folder,
        winner.network,
        label_names=dataset.label_names,
        preprocessing=preprocessing.to_config(),
        notes=card_notes(task, chosen, winner, start.weights),
    )
    written = load(folder)
    exported = export(written, folder / ONNX, _some(dataset, preprocessing))
    task.say(f"exported: agrees with the trained network on {exported.agreement.images} images "
             f"(largest difference {exported.agreement.difference:.1e} of the norm)")  # fmt: skip
    source = ModuleSource(written.model, bench.shape(winner.candidate.size))
    measurements = _time_written(source, folder, bench, chosen.measurement.target)
    fitted = Fitted(
        folder=folder,
        data=dataset.source,
        seed=dataset.seed,
        budget=task.budget,
        candidate=winner.candidate,
        verdict=verdict(measurements, task.budget),
        measurement=measurements[-1],
        limits=task.limits,
        weights_bytes=(folder / SAFETENSORS).stat().st_size,
        memory_bytes=memory(source.graph).total,
        test_accuracy=evaluate(written.model, dataset.test, preprocessing),
        weights=start.weights,
        accuracies=winner.accuracies,
        heats=winner.heats,
        rungs=winner.rungs,
        candidates=found.timed,
        ruled_out=found.ruled_out,
        exported=exported,
        broken_images=dataset.broken,
        label=task.label,
    )
    _draw(fitted)
    write_json(folder / RESULT, fitted.to_json())
    task.say(_told(fitted))
    return fitted


def card_notes(task: Task, chosen: Timed, winner: Winner, weights: str | None) -> str:
    """What the model card says of how this network was chosen, as Markdown."""
    candidate, time = chosen.candidate, chosen.measurement
    target, size = time.target, candidate.size
    took = f"{show_time(time.median)} an image (p90 {show_time(time.p90)})"
    if task.label:
        took = f"{task.label}: {show_time(time.median)} an image ({show_time(time.p90)} at most), not measured,"
    origin = f"the weights {weights}" if weights else "scratch"
    return (
        f"Chosen by `featherlight fit` for {size} x {size} images of {task.dataset.source} within "
        f"{show_time(task.budget)}: {candidate.name}, {took} on "
        f"{target.engine}, {target.threads} thread(s), {target.machine.cpu}. Validation accuracy "
        f"{winner.training.accuracy:.1%}. Trained from {origin}; the licence "
        "hangs on that of what it was trained from and on. fit.json holds all figures."
    )


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


def _told(fitted: Fitted) -> str:
    kept = {"fits": "keeps the budget", "undecided": "may or may not keep the budget: the noise is larger than the gap",
            "too slow": "DOES NOT keep the budget now"}[fitted.verdict]  # fmt: skip
    took = fitted.measurement
    if fitted.label:
        return f"{fitted.label}: {show_time(took.median)}, {show_time(took.p90)} at most, of {show_time(fitted.budget)}"
    return (
        f"timed again from its file: {show_time(took.median)}, p90 {show_time(took.p90)}: {kept} of "
        f"{show_time(fitted.budget)}"
    )


def _some(dataset: Dataset, preprocessing: Preprocessing) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Validation images as the network sees them: float32 (N, C, size, size)."""
    indices = np.random.default_rng(0).permutation(len(dataset.validation))[:CHECKED_ON]
    prepared = dataset.validation.prepared(indices, preprocessing)
    return prepared[dataset.validation.sound(indices)]


def _time_written(source: ModuleSource, folder: Path, bench: AnyBench, target: Target) -> list[Measurement]:
    written = source if target.engine == "torch" or isinstance(bench, PredictedBench) else OnnxSource(folder / ONNX)
    return bench.time_source(written, target, AGAIN)


def _draw(fitted: Fitted) -> None:
    points = [
        Point(
            each.candidate.name,
            entry(each.candidate.architecture).family,
            each.measurement.median,
            each.measurement.p10,
            each.measurement.p90,
            fitted.accuracies.get(each.candidate),
            chosen=each.candidate == fitted.candidate,
        )
        for each in fitted.candidates
    ]
    target = fitted.measurement.target
    title = (
        f"{fitted.data}: {fitted.name}, {fitted.test_accuracy:.1%} on the test images\n"
        f"{target.engine}, {target.threads} thread(s), {fitted.label or target.machine.cpu}"
    )
    draw(points, fitted.budget, fitted.picture, title=title, accuracy="validation accuracy, %")
