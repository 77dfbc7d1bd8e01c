from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from featherlight.errors import BadInput
from featherlight.training import Recipe, recipe_for
from featherlight.training.recipe import changed


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
        {"optimiser": "adam"},
        {"batch": 32.5},
        {"mirror": 1},
        {"learning_rate": "fast"},
        {"layer_decay": 0.0},
        {"freeze": 1.5},
        {"ema": 1.0},
    ],
)
def test_a_value_out_of_range_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=f"{next(iter(wrong))} must be"):
        Recipe(**wrong)


def test_small_images_are_padded_and_photographs_resized() -> None:
    assert [recipe_for(size).crop for size in (28, 64, 65, 224)] == ["pad", "pad", "resize", "resize"]


def test_fields_are_changed_by_words_as_in_json() -> None:
    recipe = changed(Recipe(), ["learning_rate=0.1", "optimiser=adamw", "mirror=false", "batch=32"])
    assert recipe == Recipe(learning_rate=0.1, optimiser="adamw", mirror=False, batch=32)
    with pytest.raises(BadInput, match=r"a field of the recipe must be a known name; got 'bach' \(nearest: batch"):
        changed(Recipe(), ["bach=32"])
    with pytest.raises(BadInput, match="must be field=value"):
        changed(Recipe(), ["batch"])


def test_the_page_on_training_has_every_field_its_default_and_what_else_it_may_be() -> None:
    page = (Path(__file__).parents[2] / "docs/training.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `(.+?)` \| (.+) \|$", page, re.MULTILINE)
    assert {name: json.loads(default) for name, default, _ in rows} == Recipe().to_json()
    for name, default, told in rows:
        words = {json.loads(default), *re.findall(r"`([\w-]+)`", told)}
        assert words >= set(get_args(get_type_hints(Recipe)[name])), name
