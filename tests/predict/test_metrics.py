from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from featherlight.predict import metrics
from featherlight.predict.metrics import Answers, ClassMetrics

# Newcombe 1998, Statistics in Medicine 17, table I, method 3; and three that follow from the formula by hand.
WILSON = {
    (81, 263): (0.2553, 0.3662),
    (15, 148): (0.0624, 0.1605),
    (0, 20): (0.0, 0.1611),
    (1, 29): (0.0061, 0.1718),
    (5, 10): (0.2366, 0.7634),
    (10, 10): (0.7225, 1.0),
    (0, 1): (0.0, 0.7935),
}

# The scores of five images for three classes, and what can be read from them by hand. Rows 3 and 4 hold ties.
SCORES = np.array([[2, 1, 0], [0, 1, 2], [1, 3, 2], [1, 1, 0], [1, 1, 1]], np.float32)
LABELS = np.array([0, 1, 1, 1, 2])


def answers_of(probability: NDArray[np.float64], right: NDArray[np.bool_]) -> Answers:
    labels = np.where(right, 0, 1).astype(np.int64)
    return Answers(labels, np.zeros(len(labels), np.int64), probability, labels)


@st.composite
def scores_and_labels(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Scores with many ties among them, and labels."""
    images, classes = draw(st.integers(1, 30)), draw(st.integers(2, 7))
    values = st.integers(-3, 3).map(float)
    scores = draw(hnp.arrays(np.float32, (images, classes), elements=values))
    return scores, draw(hnp.arrays(np.int64, images, elements=st.integers(0, classes - 1)))


def test_a_small_case_by_hand() -> None:
    answers = metrics.read_scores(SCORES, LABELS)
    assert answers.predicted.tolist() == [0, 2, 1, 0, 0]
    assert answers.rank.tolist() == [0, 1, 0, 1, 2]
    e = np.e
    sure = [e**2 / (e**2 + e + 1), e**2 / (e**2 + e + 1), e**2 / (e**2 + e + 1), e / (2 * e + 1), 1 / 3]
    assert answers.probability == pytest.approx(sure)
    assert [metrics.top(answers, k) for k in (1, 2, 3, 5)] == [0.4, 0.8, 1.0, 1.0]
    confusion = metrics.confusion_matrix(answers, 3)
    assert confusion.tolist() == [[1, 0, 0], [1, 1, 1], [1, 0, 0]]
    a, b, c = metrics.of_classes(confusion, "abc")
    assert [(each.label, each.images) for each in (a, b, c)] == [("a", 1), ("b", 3), ("c", 1)]
    assert (a.precision, b.precision, c.precision) == pytest.approx((1 / 3, 1, 0))
    assert (a.recall, b.recall, c.recall) == pytest.approx((1, 1 / 3, 0))


def test_a_class_without_images_has_no_recall_and_one_never_named_no_precision() -> None:
    absent, unnamed = metrics.of_classes(np.array([[0, 0], [3, 0]]), "ab")
    assert absent == ClassMetrics("a", 0, 0.0, None)
    assert unnamed == ClassMetrics("b", 3, None, 0.0)


@given(scores_and_labels())
def test_sums_ranks_and_rates_hold_together_and_with_scikit_learn(case: tuple[Any, Any]) -> None:
    scores, labels = case
    classes = scores.shape[1]
    answers = metrics.read_scores(scores, labels)
    assert ((answers.rank == 0) == (answers.predicted == labels)).all()
    order = np.argsort(-scores, axis=1, kind="stable")
    assert all(order[row, rank] == label for row, (rank, label) in enumerate(zip(answers.rank, labels, strict=True)))
    assert metrics.top(answers, classes) == 1.0

    confusion = metrics.confusion_matrix(answers, classes)
    assert confusion.sum() == len(labels)
    assert confusion.trace() / len(labels) == metrics.top(answers, 1)
    assert np.array_equal(
        confusion, sklearn.metrics.confusion_matrix(labels, answers.predicted, labels=np.arange(classes))
    )
    found = metrics.of_classes(confusion, [str(index) for index in range(classes)])
    precision, recall, _, images = sklearn.metrics.precision_recall_fscore_support(
        labels, answers.predicted, labels=np.arange(classes), zero_division=np.nan
    )
    assert [each.images for each in found] == images.tolist()
    for each, p, r in zip(found, precision, recall, strict=True):
        assert (np.nan if each.precision is None else each.precision) == pytest.approx(p, nan_ok=True)
        assert (np.nan if each.recall is None else each.recall) == pytest.approx(r, nan_ok=True)


@given(scores_and_labels(), st.integers(1, 40))
def test_batches_joined_are_the_whole(case: tuple[Any, Any], size: int) -> None:
    scores, labels = case
    whole = metrics.read_scores(scores, labels)
    starts = range(0, len(labels), size)
    joined = metrics.join([metrics.read_scores(scores[at : at + size], labels[at : at + size]) for at in starts])
    for field in ("labels", "predicted", "rank", "probability"):
        assert np.array_equal(getattr(joined, field), getattr(whole, field))


@pytest.mark.parametrize(("counts", "interval"), WILSON.items())
def test_wilsons_interval_against_published_ones(counts: tuple[int, int], interval: tuple[float, float]) -> None:
    assert metrics.wilson_interval(*counts) == pytest.approx(interval, abs=6e-5)


@given(st.integers(1, 10_000).flatmap(lambda images: st.tuples(st.integers(0, images), st.just(images))))
def test_wilsons_interval_holds_the_share_and_solves_its_equation(counts: tuple[int, int]) -> None:
    right, images = counts
    low, high = metrics.wilson_interval(right, images)
    assert 0 <= low <= right / images <= high <= 1
    for end in (low, high):  # each end is 1.96 of its own standard deviations away from the share
        if 1e-9 < end < 1 - 1e-9:
            assert abs(right / images - end) == pytest.approx(1.959964 * np.sqrt(end * (1 - end) / images), rel=1e-4)
    mirrored = metrics.wilson_interval(images - right, images)
    assert mirrored == pytest.approx((1 - high, 1 - low))


def test_calibration_by_hand() -> None:
    # Bins of two thirds and up: two answers at 0.9, one right; one at 0.7, right. Below: one at 0.3, wrong.
    calibration = metrics.calibrate(
        answers_of(np.array([0.9, 0.9, 0.7, 0.3]), np.array([True, False, True, False])), bins=3
    )
    assert [each.images for each in calibration.bins] == [1, 0, 3]
    low, empty, high = calibration.bins
    assert (low.confidence, low.accuracy) == pytest.approx((0.3, 0))
    assert (empty.confidence, empty.accuracy) == (None, None)
    assert (high.confidence, high.accuracy) == pytest.approx((2.5 / 3, 2 / 3))
    assert (high.low, high.high) == pytest.approx((2 / 3, 1))
    assert calibration.error == pytest.approx(0.25 * 0.3 + 0.75 * (2.5 / 3 - 2 / 3))


def test_a_probability_on_an_edge_belongs_to_the_bin_below() -> None:
    calibration = metrics.calibrate(answers_of(np.array([0.5, 0.25, 1.0]), np.ones(3, bool)), bins=4)
    assert [each.images for each in calibration.bins] == [1, 1, 0, 1]


@given(hnp.arrays(np.int64, 10, elements=st.integers(0, 30)))
def test_answers_that_are_right_as_often_as_they_say_have_no_error(tens: NDArray[np.int64]) -> None:
    # For each of ten probabilities p = 1/10 ... 10/10 in a bin of its own: 10 p of every 10 answers are right.
    probability = np.repeat(np.arange(1, 11) / 10, 10 * tens)
    right = np.concatenate([np.tile(np.arange(10) < p, count) for p, count in zip(range(1, 11), tens, strict=True)])
    if not len(right):
        return
    calibration = metrics.calibrate(answers_of(probability, right.astype(bool)))
    assert calibration.error < 1e-12
    assert sum(each.images for each in calibration.bins) == len(right)
    doubted = metrics.calibrate(answers_of(np.full(len(right), 0.999), right.astype(bool)))
    assert doubted.error == pytest.approx(abs(right.mean() - 0.999))


def test_chance_as_sure_as_it_is_right_is_nearly_calibrated() -> None:
    random = np.random.default_rng(0)
    probability = random.uniform(0.1, 1, 200_000)
    right = random.uniform(size=200_000) < probability
    assert metrics.calibrate(answers_of(probability, right)).error < 0.01
    assert metrics.calibrate(answers_of(np.sqrt(probability), right)).error > 0.05
