"""What a fit leaves: a hub folder, the exported network, the figures, the picture; all checked once written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from featherlight import __version__
from featherlight.data import Dataset, Preprocessing
from featherlight.engines import ModuleSource, OnnxSource
from featherlight.files import write_json
from featherlight.fitting.bench import Bench
from featherlight.fitting.budget import show_time
from featherlight.fitting.candidates import Candidate
from featherlight.fitting.select import AGAIN, Verdict, verdict
from featherlight.fitting.time_candidates import Say, Timed
from featherlight.fitting.train_candidates import Winner
from featherlight.models import entry
from featherlight.predict import Classifier, Exported, export, load
from featherlight.pretrained import save
from featherlight.report import Point, draw
from featherlight.timing import Measurement
from featherlight.training import Trained, evaluate

JOURNAL = "journal.jsonl"
RESULT = "fit.json"
ONNX = "model.onnx"
PICTURE = "accuracy_time.png"

CHECKED_ON = 64  # validation images that the exported network is compared on


@dataclass(frozen=True)
class Fitted:
    """A trained network that was chosen for a budget, and how it did.

    verdict        whether the written network, timed again, keeps the budget (its 90th percentile)
    measurement    that time, in seconds for one image
    test_accuracy  top-1, 0 to 1; the test images were used for this figure alone
    accuracies     the validation accuracy of every candidate that was trained at all
    candidates     every candidate that was timed
    """

    folder: Path
    data: str
    seed: int
    budget: float
    candidate: Candidate
    verdict: Verdict
    measurement: Measurement
    test_accuracy: float
    accuracies: Mapping[Candidate, float]
    training: Trained
    candidates: tuple[Timed, ...]
    exported: Exported
    broken_images: tuple[str, ...]

    @property
    def name(self) -> str:
        """Such as "shufflenet_v2 0.5x"."""
        return self.candidate.name

    @property
    def validation_accuracy(self) -> float:
        """Top-1 on the validation images, 0 to 1."""
        return self.accuracies[self.candidate]

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
            "validation_accuracy": self.validation_accuracy,
            "test_accuracy": self.test_accuracy,
            "training": {
                "recipe": training.recipe.to_json(),
                "steps": training.steps,
                "images": training.images,
                "seconds": training.seconds,
                "images_per_second": training.images_per_second,
                "threads": training.threads,
            },
            "export": asdict(self.exported) | {"path": ONNX, "images": f"validation images of {self.data}"},
            "candidates": [
                each.to_json() | {"validation_accuracy": self.accuracies.get(each.candidate)}
                for each in self.candidates
            ],
            "broken_images": list(self.broken_images),
        }


def write(
    folder: Path,
    dataset: Dataset,
    preprocessing: Preprocessing,
    timed: tuple[Timed, ...],
    winner: Winner,
    bench: Bench,
    budget: float,
    say: Say,
) -> Fitted:
    """Write the winner to `folder`, load it from there, check it, time it, and only then write its figures.

    Raises Failure where the exported network says something else than the trained one.
    """
    chosen = next(each for each in timed if each.candidate == winner.candidate)
    save(
        folder,
        winner.network,
        label_names=dataset.label_names,
        preprocessing=preprocessing.to_config(),
        notes=card_notes(dataset, chosen, winner, budget),
    )
    written = load(folder)
    exported = export(written, folder / ONNX, _some(dataset, preprocessing))
    say(f"exported: agrees with the trained network on {exported.agreement.images} images "
        f"(largest difference {exported.agreement.difference:.1e} of the norm)")  # fmt: skip
    measurements = _time_written(written, folder, bench, chosen.measurement.target.engine)
    test_accuracy = evaluate(written.model, dataset.test, preprocessing)
    fitted = Fitted(
        folder=folder,
        data=dataset.source,
        seed=dataset.seed,
        budget=budget,
        candidate=winner.candidate,
        verdict=verdict(measurements, budget),
        measurement=measurements[-1],
        test_accuracy=test_accuracy,
        accuracies=winner.accuracies,
        training=winner.training,
        candidates=timed,
        exported=exported,
        broken_images=dataset.broken,
    )
    _draw(fitted)
    write_json(folder / RESULT, fitted.to_json())
    kept = {"fits": "keeps the budget", "undecided": "may or may not keep the budget: the noise is larger than the gap",
            "too slow": "DOES NOT keep the budget now"}[fitted.verdict]  # fmt: skip
    took = fitted.measurement
    say(
        f"timed again from its file: {show_time(took.median)}, p90 {show_time(took.p90)}: {kept} of {show_time(budget)}"
    )
    return fitted


def card_notes(dataset: Dataset, chosen: Timed, winner: Winner, budget: float) -> str:
    """What the model card says of how this network was chosen, as Markdown."""
    candidate, time = chosen.candidate, chosen.measurement
    target = time.target
    return (
        f"Chosen by `featherlight fit` for {candidate.size} x {candidate.size} images of {dataset.source} within "
        f"{show_time(budget)}: {candidate.name}, {show_time(time.median)} an image (p90 {show_time(time.p90)}) on "
        f"{target.engine}, {target.threads} thread(s), {target.machine.cpu}. Validation accuracy "
        f"{winner.accuracies[candidate]:.1%}. Its licence hangs on that of the images; fit.json holds all figures."
    )


def _some(dataset: Dataset, preprocessing: Preprocessing) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Validation images as the network sees them: float32 (N, C, size, size)."""
    indices = np.random.default_rng(0).permutation(len(dataset.validation))[:CHECKED_ON]
    prepared = dataset.validation.prepared(indices, preprocessing)
    return prepared[dataset.validation.sound(indices)]


def _time_written(written: Classifier, folder: Path, bench: Bench, engine: str) -> list[Measurement]:
    source = ModuleSource(written.model, bench.input_shape) if engine == "torch" else OnnxSource(folder / ONNX)
    return bench.time_source(source, engine, AGAIN)


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
        f"{target.engine}, {target.threads} thread(s), {target.machine.cpu}"
    )
    draw(points, fitted.budget, fitted.picture, title=title, accuracy="validation accuracy, %")
