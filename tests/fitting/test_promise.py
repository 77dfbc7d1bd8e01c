"""What is expected of candidates, and what heats make of it."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from featherlight.fitting.candidates import Candidate
from featherlight.fitting.promise import GAP, Judge, Law, Seen, expected_error, pooled_fall, predicted_errors

TEN = Judge(classes=10, validation=5000)
LAW = Law(GAP, GAP)


def after(images: float, floor: float) -> Seen:
    """What a candidate of LAW shows where it holds to the letter, with this error in the end."""
    return Seen(images, 1 - floor * math.exp(LAW.fall(images, math.inf)))


def pooled(*curves: list[Seen]) -> float:
    """What is pooled of these curves of candidates of LAW."""
    return pooled_fall(dict.fromkeys(range(len(curves)), LAW), dict(enumerate(curves)), TEN)


def test_more_is_expected_of_a_better_a_wider_a_larger_and_a_longer_trained_network() -> None:
    better, worse = Candidate("mobilenet_v2", 1.0, 128), Candidate("squeezenet_1_1", 1.0, 128)
    thinner, smaller = Candidate("mobilenet_v2", 0.5, 128), Candidate("mobilenet_v2", 1.0, 96)
    for other in (worse, thinner, smaller):
        assert expected_error(better, 1e5) < expected_error(other, 1e5)
    assert expected_error(better, 1e5) < expected_error(better, 1e4)
    assert expected_error(worse, 1e6) < expected_error(better, 1e4)


@pytest.mark.parametrize(
    ("first", "then", "factor"), [(10_000, 60_000, 1.70), (10_000, 60_000, 1.77), (54_000, 624_000, 1.44)]
)
def test_the_law_gives_what_was_measured(first: float, then: float, factor: float) -> None:
    assert math.exp(LAW.fall(first, then)) == pytest.approx(factor, rel=0.03)


@given(st.floats(1, 1e8), st.floats(1, 1e8))
def test_errors_fall_with_images(few: float, many: float) -> None:
    assume(few < many)
    assert LAW.log_error(few) > LAW.log_error(many) >= math.log(LAW.floor)


@pytest.mark.parametrize(("images", "chosen"), [(6_000, "small"), (1_000_000, "large")])
def test_a_large_network_that_trains_slowly_is_chosen_for_a_long_time_and_not_for_a_short_one(
    images: float, chosen: str
) -> None:
    """It sees a third of the images."""
    promised = {
        "large": expected_error(Candidate("mnasnet_a1", 1.0, 28), images / 3),
        "small": expected_error(Candidate("mobilenet_v3_small", 0.75, 28), images),
    }
    assert min(promised, key=lambda name: promised[name]) == chosen


def test_trained_weights_are_worth_the_same_at_any_time_and_capacity_alone_is_worth_little_at_first() -> None:
    large, small = (Candidate(name, 1.0, 160) for name in ("mobilenet_v2", "mobilenet_v3_small"))

    def ratio(images: float, pretrained: bool) -> float:
        return expected_error(large, images, pretrained) / expected_error(small, images, pretrained)

    assert ratio(2_000, pretrained=True) == pytest.approx(ratio(1e6, pretrained=True))
    assert ratio(1e6, pretrained=False) < ratio(2_000, pretrained=False) < 1


def test_without_a_heat_what_is_known_decides() -> None:
    ends = {"a": 1e5, "b": 1e4}
    predicted = predicted_errors({"a": LAW, "b": LAW}, {}, ends, TEN)
    assert predicted["a"] < predicted["b"]


def test_a_slow_trainer_that_is_behind_now_wins_where_it_will_be_ahead() -> None:
    """Equal time: the fast one has seen four times the images and errs less now; at the end it will not."""
    seen = {"fast": [after(8_000, 0.09)], "slow": [after(2_000, 0.05)]}
    assert seen["fast"][0].accuracy > seen["slow"][0].accuracy
    predicted = predicted_errors({"fast": LAW, "slow": LAW}, seen, {"fast": 4e5, "slow": 1e5}, TEN)
    assert predicted["slow"] < predicted["fast"]


def test_a_fast_trainer_wins_where_the_slow_one_has_no_time_for_images() -> None:
    seen = {"fast": [after(2_000, 0.055)], "slow": [after(2_000, 0.05)]}
    predicted = predicted_errors({"fast": LAW, "slow": LAW}, seen, {"fast": 50_000, "slow": 4_000}, TEN)
    assert predicted["fast"] < predicted["slow"]


def test_a_heat_near_chance_tells_nothing() -> None:
    ends = {"a": 1e5, "b": 1e5}
    hopeless = {"a": [Seen(1e3, 0.19)], "b": [Seen(1e3, 0.11)]}
    assert predicted_errors({"a": Law(0.4, GAP), "b": Law(0.3, GAP)}, hopeless, ends, TEN) == predicted_errors(
        {"a": Law(0.4, GAP), "b": Law(0.3, GAP)}, {}, ends, TEN
    )


def test_of_few_validation_images_what_is_known_weighs_more() -> None:
    def ratio(validation: int) -> float:
        seen = {"a": [Seen(1e4, 0.8)], "b": [Seen(1e4, 0.9)]}
        judge = Judge(10, validation)
        predicted = predicted_errors({"a": LAW, "b": LAW}, seen, {"a": 2e4, "b": 2e4}, judge)
        return predicted["a"] / predicted["b"]

    assert 1 < ratio(30) < ratio(5000) < 2


def test_an_accuracy_of_one_is_no_infinite_promise() -> None:
    predicted = predicted_errors({"a": LAW}, {"a": [Seen(1e3, 1.0)]}, {"a": 1e4}, Judge(2, 12))
    assert 0 < predicted["a"] < 0.5


@given(floor=st.floats(0.01, 0.2), images=st.floats(2e3, 1e5), longer=st.floats(1.5, 20))
def test_where_the_law_holds_it_is_what_is_pooled(floor: float, images: float, longer: float) -> None:
    curve = [after(images, floor), after(longer * images, floor)]
    assume(all(TEN.tells(seen) for seen in curve))
    assert pooled(curve) == pytest.approx(1)


def test_errors_that_fall_faster_than_the_law_are_believed_little_by_little() -> None:
    curve = [Seen(5e3, 0.6), Seen(1e4, 0.9)]  # a quarter of the error: the law says 0.7 times
    assert 1 < pooled(curve) < pooled(curve, curve) < 5
    assert pooled([Seen(5e3, 0.9), Seen(1e4, 0.5)]) == 0  # and one that rises makes none rise


SEEN = st.builds(Seen, st.floats(100, 1e6), st.floats(0, 1))


@given(
    floors=st.lists(st.floats(0.05, 0.9), min_size=2, max_size=6),
    heats=st.lists(st.lists(SEEN, max_size=3).map(lambda seen: sorted(seen, key=lambda each: each.images))),
    end=st.floats(1e3, 1e7),
    validation=st.integers(2, 10_000),
)
def test_every_candidate_gets_a_finite_error_above_zero(
    floors: list[float], heats: list[list[Seen]], end: float, validation: int
) -> None:
    names = {name: Law(floor, GAP) for name, floor in enumerate(floors)}
    seen = {name: heats[name] for name in names if name < len(heats)}
    predicted = predicted_errors(names, seen, dict.fromkeys(names, end), Judge(10, validation))
    assert predicted.keys() == names.keys()
    assert all(0 < error < math.inf for error in predicted.values())


@given(accuracies=st.lists(st.floats(0.3, 0.99), min_size=2, max_size=6, unique=True))
def test_of_equals_with_equal_ends_the_more_accurate_ranks_first(accuracies: list[float]) -> None:
    seen = {accuracy: [Seen(5e3, accuracy)] for accuracy in accuracies}
    predicted = predicted_errors(dict.fromkeys(accuracies, LAW), seen, dict.fromkeys(accuracies, 1e5), TEN)
    by_error = sorted(accuracies, key=lambda accuracy: predicted[accuracy])
    assert all(a > b - 0.02 for a, b in pairwise(by_error))
