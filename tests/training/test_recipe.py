from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.errors import BadInput
from featherlight.training import Recipe, recipe_for
from featherlight.training.schedule import learning_rate


def test_a_recipe_survives_json() -> None:
    recipe = Recipe(batch=32, learning_rate=0.4, crop="resize", mirror=False)
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


def test_a_field_that_is_not_known_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="no field 'momentun'"):
        Recipe.from_json({"momentun": 0.9})


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch": 1},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"momentum": 1.0},
        {"weight_decay": -1e-4},
        {"label_smoothing": 1.0},
        {"warm_up": -0.1},
        {"crop": "centre"},
        {"pad": -1},
        {"smallest_crop": 0.0},
    ],
)
def test_a_value_out_of_range_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=f"{next(iter(wrong))} must be"):
        Recipe(**wrong)


def test_small_images_are_padded_and_photographs_resized() -> None:
    assert [recipe_for(size).crop for size in (28, 64, 65, 224)] == ["pad", "pad", "resize", "resize"]


@given(st.integers(1, 500), st.floats(0, 0.5))
def test_the_learning_rate_rises_once_to_its_peak_and_falls_to_nearly_nothing(steps: int, warm_up: float) -> None:
    rates = [learning_rate(Recipe(learning_rate=2.0, warm_up=warm_up), step, steps, 10) for step in range(steps)]
    top = rates.index(max(rates))
    assert all(0 < rate <= 2 for rate in rates)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    if steps >= 100:
        assert max(rates) > 1.95
        assert rates[-1] < 0.001
