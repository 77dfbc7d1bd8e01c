"""What a network's answers are worth: pure functions of the true classes and of what it said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from featherlight.predict.probabilities import softmax

BINS = 15  # of the reliability diagram, as Guo et al. 2017 have it
_Z = 1.959963984540054  # the normal distribution's 97.5 % quantile: 95 % lie within it on both sides


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network said of N images, as far as metrics ask; each field is an array (N,).

    labels       the true class
    predicted    the class with the highest score
    probability  of that class, by the softmax: how sure the network was
    rank         how many classes came before the true one: 0 where the answer is right
    """

    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probability: NDArray[np.float64]
    rank: NDArray[np.int64]


@dataclass(frozen=True)
class ClassMetrics:
    """How one class fares: how many `images` show it, its `recall` (the share of them that are found) and `precision`.

    Precision is the share of right ones among the images that are said to show it. Each is None where there are none.
    """

    label: str
    images: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class ReliabilityBin:
    """Answers of a probability above `low` and up to `high`: mean probability and accuracy, None where none are."""

    low: float
    high: float
    images: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Calibration:
    """Whether an answer given with a probability of 80 % is right in 80 % of the cases.

    `error` is the expected calibration error: the distance between accuracy and mean probability in a bin, averaged
    over the images (Guo et al. 2017, section 2).
    """

    error: float
    bins: tuple[ReliabilityBin, ...]


def read_scores(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> Answers:
    """The answers in finite scores (N, classes). Of classes with equal scores the one with the lower index is first."""
    places = np.arange(len(labels))
    predicted = scores.argmax(1).astype(np.int64)
    own = scores[places, labels][:, None]
    before = np.arange(scores.shape[1]) < labels[:, None]
    rank = ((scores > own) | ((scores == own) & before)).sum(1, dtype=np.int64)
    return Answers(labels, predicted, softmax(scores)[places, predicted], rank)


def join(several: Sequence[Answers]) -> Answers:
    """The answers of several batches as one, in order."""
    fields = ("labels", "predicted", "probability", "rank")
    return Answers(*(np.concatenate([getattr(answers, field) for answers in several]) for field in fields))


def top(answers: Answers, k: int) -> float:
    """The share of images whose true class is among the first `k`, 0 to 1."""
    return float((answers.rank < k).mean())


def wilson_interval(right: int, images: int) -> tuple[float, float]:
    """The 95 % confidence interval of an accuracy of `right` out of `images` (Wilson 1927).

    Unlike the textbook's plus and minus it holds for few images, and for accuracies near 0 and 1.
    """
    share, z2 = right / images, _Z * _Z / images
    centre = (share + z2 / 2) / (1 + z2)
    half = math.sqrt(z2 * (share * (1 - share) + z2 / 4)) / (1 + z2)
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))  # whatever the last digit says


def confusion_matrix(answers: Answers, classes: int) -> NDArray[np.int64]:
    """How often each class (row) was taken for each (column): int64 (classes, classes)."""
    counts = np.bincount(answers.labels * classes + answers.predicted, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def of_classes(confusion: NDArray[np.int64], label_names: Sequence[str]) -> tuple[ClassMetrics, ...]:
    """Precision and recall of every class, in the order of the label names."""
    right, shown, said = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    return tuple(
        ClassMetrics(label, int(shown[index]), _share(right[index], said[index]), _share(right[index], shown[index]))
        for index, label in enumerate(label_names)
    )


def calibrate(answers: Answers, bins: int = BINS) -> Calibration:
    """The expected calibration error of the first answers, over bins of equal width."""
    edges = np.linspace(0, 1, bins + 1)
    place = np.digitize(answers.probability, edges[1:-1], right=True)
    images = np.bincount(place, minlength=bins)
    sure = np.bincount(place, answers.probability, minlength=bins)
    right = np.bincount(place, answers.rank == 0, minlength=bins)
    return Calibration(
        error=float(np.abs(right - sure).sum() / len(place)),
        bins=tuple(
            ReliabilityBin(low, high, int(count), _share(each_sure, count), _share(each_right, count))
            for low, high, count, each_sure, each_right in zip(edges, edges[1:], images, sure, right, strict=False)
        ),
    )


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
