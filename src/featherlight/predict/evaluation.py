"""How good a trained network is: asked about every image of a split, by the engine that will run it."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from featherlight.data import Dataset, Split, open_dataset
from featherlight.engines import Running
from featherlight.errors import BadInput, Failure, must_be
from featherlight.predict import metrics
from featherlight.predict.classifier import Classifier
from featherlight.predict.compiled_classifier import CompiledClassifier
from featherlight.predict.metrics import Answers, Calibration, ClassMetrics
from featherlight.predict.origin import find_origin
from featherlight.predict.same_classes import match_labels
from featherlight.predict.subject import Subject, open_subject
from featherlight.pretrained import Progress
from featherlight.timing import Target, this_machine

SPLITS = ("train", "validation", "test", "all")
WORST = 20  # mistakes that are listed


@dataclass(frozen=True)
class Mistake:
    """A wrong answer: the image, its class, the class that the network saw in it, and how sure of that it was."""

    image: str
    label: str
    predicted: str
    probability: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How good a network is on a split's sound images. Shares and probabilities are from 0 to 1.

    source, data, split, seed  what was evaluated, and on what; the seed is that of splits held out
    target                     what ran it: engine, threads, batch, machine
    label_names                the network's classes, in the order of `classes` and of the rows of `confusion`
    images                     how many were asked about
    top1, top5                 for how many the true class was the first answer, or among the first five
    interval                   the 95 % confidence interval of top1 (Wilson)
    classes                    precision and recall of each class
    confusion                  int64 (classes, classes): how often a class (row) was taken for another (column)
    calibration                how far its probabilities can be believed
    images_per_second          of the network alone, decoding not counted: the median over the batches
    worst                      the mistakes of which it was most sure, the surest first, 20 at most
    broken                     a sentence for each image that could not be read; these count nowhere else
    """

    source: str
    data: str
    split: str
    seed: int
    target: Target
    label_names: tuple[str, ...]
    images: int
    top1: float
    top5: float
    interval: tuple[float, float]
    classes: tuple[ClassMetrics, ...]
    confusion: NDArray[np.int64]
    calibration: Calibration
    images_per_second: float
    worst: tuple[Mistake, ...]
    broken: tuple[str, ...]

    def confused(self, most: int) -> list[tuple[str, str, int]]:
        """The `most` frequent mistakes: the true class, the one it was taken for, how often."""
        wrong = self.confusion - np.diag(self.confusion.diagonal())
        rows, columns = np.nonzero(wrong)
        order = np.argsort(-wrong[rows, columns], kind="stable")[:most]
        return [
            (self.label_names[row], self.label_names[column], int(wrong[row, column]))
            for row, column in zip(rows[order], columns[order], strict=True)
        ]

    def to_json(self) -> dict[str, Any]:
        """All figures. ``confusion[true class][predicted class]`` is a count; what never came is left out."""
        names = self.label_names
        confusion = {
            names[row]: {names[column]: int(counts[column]) for column in np.flatnonzero(counts)}
            for row, counts in enumerate(self.confusion)
            if counts.any()
        }
        return asdict(self) | {"confusion": confusion}


def evaluate(
    source: str | os.PathLike[str] | Classifier | CompiledClassifier,
    data: str | os.PathLike[str] | Dataset,
    *,
    engine: str | None = None,
    split: str = "test",
    threads: int | None = None,
    batch: int = 32,
    subset: bool = False,
    seed: int | None = None,
    progress: Progress | None = None,
    download: Progress | None = None,
) -> Evaluation:
    """How good the network of `source` is on one split of `data`, as `engine` runs it.

    source    a folder that `fit` or `save` wrote, an ONNX file that `export` wrote, a flight file, a name with weights,
              a classifier
    data      what `open_dataset` takes; its classes must be the network's, in any order
    engine    by default torch, and onnxruntime for an ONNX file; "auto" is the fastest one here. A flight file has
              its own (native), and its own batch
    split     "train", "validation", "test", or "all" three: for a folder of which the network has seen nothing
    threads   by default all cores of this process
    batch     images at once; the last ones are filled up with black
    subset    the data may lack some of the network's classes. The network still chooses among all that it knows, as it
              does when it is used, so this is no figure for a network that knows only those
    seed      of the splits held out; by default the one that the network was trained with, if its folder says so
    progress  is told how many images are done, and of how many; `download` of bytes that are fetched

    Broken images are listed and left out. Raises BadInput for what cannot be evaluated, Failure for scores that are
    not finite.
    """
    if split not in SPLITS:
        raise must_be("split", f"one of {', '.join(SPLITS)}", split)
    threads = this_machine().cores if threads is None else threads
    with open_subject(source, download, threads) as subject:
        dataset = data if isinstance(data, Dataset) else open_dataset(data, _seed(subject) if seed is None else seed)
        classes = match_labels(subject.label_names, dataset.label_names, subset=subset)
        parts = [dataset.train, dataset.validation, dataset.test] if split == "all" else [getattr(dataset, split)]
        if not any(map(len, parts)):
            raise BadInput(f"the {split} split of {dataset.source} has no images")
        with subject.run(engine, threads, min(batch, max(map(len, parts)))) as running:
            asked = _ask(running, subject, parts, classes, progress)
        return _summary(asked, subject, dataset, split, parts, running.target)


@dataclass(frozen=True, eq=False)
class _Asked:
    answers: Answers
    images: Sequence[str]  # their names
    seconds: float  # the median batch's


def _ask(
    running: Running, subject: Subject, parts: Sequence[Split], classes: NDArray[np.int64], progress: Progress | None
) -> _Asked:
    answers, images, seconds = [], [], []
    done, total = 0, sum(map(len, parts))
    running(np.zeros(running.input_shape, np.float32))  # the first call of an engine is slow
    for part, indices in _batches(parts, running.target.batch):
        scores, took = _run(running, part.prepared(indices, subject.preprocessing))
        seconds.append(took)
        sound = indices[part.sound(indices)]
        scores = scores[part.sound(indices)]
        _check(scores, subject, part, sound)
        answers.append(metrics.read_scores(scores, classes[part.labels[sound]]))
        images += [part.name(index) for index in sound.tolist()]
        done += len(indices)
        if progress is not None:
            progress(done, total)
    if not images:
        raise BadInput(f"none of the images can be read; for one, {next(s for part in parts for s in part.broken)}")
    return _Asked(metrics.join(answers), images, statistics.median(seconds))


def _batches(parts: Sequence[Split], size: int) -> Iterator[tuple[Split, NDArray[np.int64]]]:
    for part in parts:
        for start in range(0, len(part), size):
            yield part, np.arange(start, min(start + size, len(part)))


def _run(running: Running, images: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """The scores of at most a batch of images, and the seconds that they took."""
    full = np.zeros(running.input_shape, np.float32)
    full[: len(images)] = images
    start = time.perf_counter()
    scores = running(full)
    return scores[: len(images)], time.perf_counter() - start


def _check(scores: NDArray[np.float32], subject: Subject, part: Split, indices: NDArray[np.int64]) -> None:
    if scores.shape[1:] != (len(subject.label_names),):
        raise BadInput(
            f"{subject.name} must give one score a class; it names {len(subject.label_names)} classes and its scores "
            f"have the shape {scores.shape[1:]}"
        )
    finite = np.isfinite(scores).all(1)
    if not finite.all():
        raise Failure(f"{subject.name} gives scores that are not finite, for one for {part.name(indices[~finite][0])}")


def _summary(
    asked: _Asked, subject: Subject, dataset: Dataset, split: str, parts: Sequence[Split], target: Target
) -> Evaluation:
    answers, names = asked.answers, subject.label_names
    confusion = metrics.confusion_matrix(answers, len(names))
    return Evaluation(
        source=subject.name,
        data=dataset.source,
        split=split,
        seed=dataset.seed,
        target=target,
        label_names=names,
        images=len(asked.images),
        top1=metrics.top(answers, 1),
        top5=metrics.top(answers, 5),
        interval=metrics.wilson_interval(int((answers.rank == 0).sum()), len(asked.images)),
        classes=metrics.of_classes(confusion, names),
        confusion=confusion,
        calibration=metrics.calibrate(answers),
        images_per_second=target.batch / asked.seconds,
        worst=_worst(asked, names),
        broken=tuple(sentence for part in parts for sentence in part.broken),
    )


def _worst(asked: _Asked, names: Sequence[str]) -> tuple[Mistake, ...]:
    answers = asked.answers
    wrong = np.flatnonzero(answers.rank)
    surest = wrong[np.argsort(-answers.probability[wrong], kind="stable")][:WORST]
    return tuple(
        Mistake(
            asked.images[place],
            names[answers.labels[place]],
            names[answers.predicted[place]],
            float(answers.probability[place]),
        )
        for place in surest.tolist()
    )


def _seed(subject: Subject) -> int:
    origin = find_origin(subject.folder)
    return origin.seed if origin else 0
