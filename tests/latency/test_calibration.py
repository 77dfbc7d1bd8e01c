from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.latency.calibration import ASSUMED, Calibrated, Whole, calibrated


def networks(scale: float, overhead: float, errors: dict[str, float]) -> list[Whole]:
    sums = [(2e-3, 50), (1e-3, 100), (4e-3, 120), (9e-3, 60)]
    return [
        Whole(family, error * (scale * pieces - overhead * steps), pieces, steps)
        for family, error in errors.items()
        for pieces, steps in sums
    ]


@given(st.floats(0.5, 2.0), st.floats(0.0, 3e-6))
def test_the_line_that_networks_lie_on_is_found_and_its_interval_is_narrow(scale: float, overhead: float) -> None:
    line = calibrated(networks(scale, overhead, {"a": 1.0, "b": 1.0, "c": 1.0}))
    assert line.scale == pytest.approx(scale, rel=1e-6)
    assert line.overhead == pytest.approx(overhead, abs=1e-9)
    assert line.ratios == pytest.approx((1.0, 1.0), abs=1e-6)


def test_the_interval_holds_what_a_family_left_out_was_off_by() -> None:
    low, high = calibrated(networks(1.0, 1e-6, {"a": 1.0, "b": 1.0, "slow": 1.3, "c": 0.9})).ratios
    assert low < 0.95
    assert high > 1.25


def test_steps_never_make_a_network_slower() -> None:
    line = calibrated(networks(1.0, -2e-6, {"a": 1.0, "b": 1.0, "c": 1.0}))
    assert line.overhead == 0.0
    assert line.scale > 1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_of_few_networks_the_error_is_assumed(count: int) -> None:
    line = calibrated(networks(1.2, 0.0, {"a": 1.0})[:count])
    assert line.ratios == ASSUMED
    assert line.scale == pytest.approx(1.2 if count else 1.0)


def test_networks_of_one_family_are_left_out_one_by_one() -> None:
    assert calibrated(networks(1.2, 0.0, {"a": 1.0})).ratios == pytest.approx((1.0, 1.0))


def test_beyond_the_line_a_tenth_of_the_pieces_is_left() -> None:
    assert Calibrated(1.0, 1e-3).seconds(1e-3, 50) == pytest.approx(1e-4)
