"""A trained network judged where it is written: exported, timed from its file, held against images it never saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from featherlight.cost import memory
from featherlight.data import Dataset, Preprocessing
from featherlight.engines import ModuleSource, OnnxSource, Source
from featherlight.fitting.limits import broken_limit
from featherlight.fitting.predicted_bench import AnyBench, PredictedBench
from featherlight.fitting.select import AGAIN, verdict
from featherlight.fitting.stage import Entrant, Judged
from featherlight.fitting.task import Task
from featherlight.predict import Classifier, export, load
from featherlight.pretrained.repository import SAFETENSORS
from featherlight.timing import Target
from featherlight.training import evaluate

ONNX = "model.onnx"
CHECKED_ON = 64  # validation images that the exported network is compared on


def judge(
    task: Task,
    bench: AnyBench,
    folder: Path,
    entrant: Entrant,
    target: Target,
    *,
    validated: float | None = None,
    beside: Path | None = None,
) -> Judged:
    """Load the network in `folder`, write its model.onnx there, time it in the way that `target` names, and test it.

    validated  its accuracy on the validation images, where that is known
    beside     another network's folder: both are timed in the same rounds, so that they meet the same noise

    The test images are for the record alone. Raises Failure where the exported network says something else.
    """
    dataset, written = task.dataset, load(folder)
    exported = export(written, folder / ONNX, _some(dataset, written.preprocessing))
    task.say(f"exported: agrees with the trained network on {exported.agreement.images} images "
             f"(largest difference {exported.agreement.difference:.1e} of the norm)")  # fmt: skip
    source = ModuleSource(written.model, bench.shape(entrant.size))
    rivals = {"new": (_runs(source, folder, bench, target), target)}
    if beside is not None:
        other = load(beside)
        its = ModuleSource(other.model, bench.shape(other.preprocessing.size))
        rivals["old"] = (_runs(its, beside, bench, target), target)
    measurements = bench.time_sources(rivals, AGAIN)["new"]
    broken = broken_limit(source, task.limits)
    return Judged(
        entrant=entrant,
        measurement=measurements[-1],
        verdict=broken[0] if broken else verdict(measurements, task.budget),
        validation_accuracy=_right(written, dataset, "validation") if validated is None else validated,
        test_accuracy=_right(written, dataset, "test"),
        weights_bytes=(folder / SAFETENSORS).stat().st_size,
        memory_bytes=memory(source.graph).total,
        exported=exported,
    )


def _right(classifier: Classifier, dataset: Dataset, split: str) -> float:
    return evaluate(classifier.model, getattr(dataset, split), classifier.preprocessing)


def _some(dataset: Dataset, preprocessing: Preprocessing) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Validation images as the network sees them: float32 (N, C, size, size)."""
    indices = np.random.default_rng(0).permutation(len(dataset.validation))[:CHECKED_ON]
    prepared = dataset.validation.prepared(indices, preprocessing)
    return prepared[dataset.validation.sound(indices)]


def _runs(source: ModuleSource, folder: Path, bench: AnyBench, target: Target) -> Source:
    """What the engine is given: the exported file, but for torch, and where a table only reads the graph."""
    return source if target.engine == "torch" or isinstance(bench, PredictedBench) else OnnxSource(folder / ONNX)
