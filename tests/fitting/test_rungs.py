"""Who starts, and who goes on."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.fitting.candidates import Candidate
from featherlight.fitting.rungs import (
    LEAST_IMAGES,
    MOST_STARTERS,
    RUNG_SHARE,
    WIDTHS_EACH,
    field,
    heat_images,
    heat_seconds,
    last_share,
    rungs,
    starters,
    survivors,
)

RATES = st.lists(st.floats(1, 5000), min_size=1, max_size=20)


@pytest.mark.parametrize(("count", "halvings"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3)])
def test_so_many_rungs_leave_one(count: int, halvings: int) -> None:
    assert rungs(count) == halvings
    alive = [float(number) for number in range(count)]
    for _ in range(halvings):
        assert len(alive) > 1
        alive = survivors({number: number for number in alive})
    assert alive == [0.0]


@given(st.integers(1, MOST_STARTERS))
def test_the_last_one_has_three_fifths_of_the_time(count: int) -> None:
    assert last_share(count) >= 0.6
    assert last_share(count) + RUNG_SHARE * rungs(count) == pytest.approx(1)


@given(rates=RATES, seconds=st.floats(0.1, 1e5), validation=st.integers(0, 10_000))
def test_a_rung_trains_all_on_the_same_images_in_its_share_of_the_time(
    rates: list[float], seconds: float, validation: int
) -> None:
    images = heat_images(rates, seconds, validation)
    assert sum(heat_seconds(images, rate, validation) for rate in rates) == pytest.approx(RUNG_SHARE * seconds)


@given(rates=RATES, seconds=st.floats(0.01, 1e6), validation=st.integers(0, 10_000))
def test_as_many_start_as_see_enough_images(rates: list[float], seconds: float, validation: int) -> None:
    count = starters(rates, seconds, validation)
    assert 1 <= count <= min(MOST_STARTERS, len(rates))
    if count > 1:
        assert heat_images(rates[:count], seconds, validation) >= LEAST_IMAGES
    if 1 <= count < min(MOST_STARTERS, len(rates)):
        assert heat_images(rates[: count + 1], seconds, validation) < LEAST_IMAGES


def test_too_short_a_time_starts_one_and_a_long_one_all() -> None:
    assert starters([500.0] * 9, 1.0, 5000) == 1
    assert starters([500.0] * 9, 3600.0, 5000) == MOST_STARTERS
    assert starters([500.0] * 9, 180.0, 5000) == 2
    assert starters([500.0] * 9, 180.0, 30) == 3


CANDIDATES = st.builds(
    Candidate, st.sampled_from("abcdef"), st.floats(0.25, 2), st.sampled_from([96, 128, 160, 192, 224])
)


@given(st.dictionaries(CANDIDATES, st.floats(0.01, 1), max_size=30))
def test_the_field_holds_the_best_of_several_networks(promise: dict[Candidate, float]) -> None:
    chosen = field(promise)
    assert len(chosen) <= MOST_STARTERS
    assert [promise[c] for c in chosen] == sorted(promise[c] for c in chosen)
    each = Counter(candidate.architecture for candidate in chosen)
    assert all(count <= WIDTHS_EACH for count in each.values())
    if promise:
        assert promise[chosen[0]] == min(promise.values())


@given(st.dictionaries(st.integers(), st.floats(0.01, 1), min_size=1, max_size=9))
def test_the_better_half_survives(promise: dict[int, float]) -> None:
    kept = survivors(promise)
    assert len(kept) == (len(promise) + 1) // 2
    out = promise.keys() - set(kept)
    assert all(promise[a] <= promise[b] for a in kept for b in out)
