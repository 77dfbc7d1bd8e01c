from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.training import Recipe
from featherlight.training.schedule import learning_rate, momentum


def rates(recipe: Recipe, steps: int, per_epoch: int = 10) -> list[float]:
    return [learning_rate(recipe, step, steps, per_epoch) for step in range(steps)]


@given(st.integers(1, 500), st.floats(0, 0.5), st.sampled_from(["one-cycle", "cosine", "linear"]))
def test_the_learning_rate_rises_once_to_its_peak_and_falls_to_nearly_nothing(
    steps: int, warm_up: float, schedule: Any
) -> None:
    curve = rates(Recipe(learning_rate=2.0, warm_up=warm_up, schedule=schedule), steps)
    top = curve.index(max(curve))
    assert all(0 < rate <= 2 for rate in curve)
    assert curve[: top + 1] == sorted(curve[: top + 1])
    assert curve[top:] == sorted(curve[top:], reverse=True)
    if steps >= 100:
        assert max(curve) > 1.95
        assert curve[-1] < 0.02


def test_a_staircase_goes_down_every_so_many_epochs() -> None:
    recipe = Recipe(learning_rate=1.0, schedule="staircase", warm_up=0.0, decay=0.1, decay_epochs=2)
    curve = rates(recipe, 60, per_epoch=10)
    assert curve == pytest.approx([1.0] * 20 + [0.1] * 20 + [0.01] * 20)


def test_the_line_is_a_line() -> None:
    assert rates(Recipe(learning_rate=1.0, schedule="linear", warm_up=0.0), 4) == [0.875, 0.625, 0.375, 0.125]


def test_one_cycle_alone_moves_the_momentum_against_the_rate() -> None:
    for schedule, moves in (("one-cycle", True), ("cosine", False)):
        recipe = Recipe(schedule=schedule, momentum=0.9)  # type: ignore[arg-type]
        curve = [momentum(recipe, step, 100, 10) for step in range(100)]
        assert (min(curve) == pytest.approx(0.8, abs=0.01)) is moves
        assert curve[-1] == pytest.approx(0.9, abs=0.01)
    assert curve == [0.9] * 100
