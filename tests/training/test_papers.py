from __future__ import annotations

import json

import pytest

from featherlight.errors import BadInput
from featherlight.models import entry, list_models
from featherlight.training import RECIPES, Recipe, find_recipe


def test_every_family_has_the_recipe_of_its_paper() -> None:
    assert {entry(name).family for name in list_models()} <= set(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_survives_json(name: str) -> None:
    assert Recipe.from_json(json.loads(json.dumps(find_recipe(name).to_json()))) == find_recipe(name)


def test_the_papers_figures() -> None:
    v2, mnasnet, shuffle = find_recipe("mobilenet_v2"), find_recipe("mnasnet"), find_recipe("shufflenet_v2")
    assert (v2.optimiser, v2.learning_rate, v2.decay, v2.weight_decay, v2.batch) == ("rmsprop", 0.045, 0.98, 4e-5, 96)
    assert (mnasnet.learning_rate, mnasnet.decay, mnasnet.decay_epochs) == (0.256, 0.97, 2.4)
    assert (shuffle.schedule, shuffle.learning_rate, shuffle.batch) == ("linear", 0.5, 1024)


def test_an_unknown_recipe_is_answered_with_the_nearest() -> None:
    with pytest.raises(BadInput, match="mobilenet_v3"):
        find_recipe("mobilenet_v4")


def test_a_smaller_batch_takes_the_rate_with_it() -> None:
    recipe = find_recipe("mobilenet_v3").at_batch(64)
    assert recipe.learning_rate == pytest.approx(0.1 / 64)
