"""Where training starts from: a network with the best weights there are for it, or fresh ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from featherlight.data import Dataset, Preprocessing
from featherlight.errors import Failure
from featherlight.layers import Network
from featherlight.pretrained import Weights, create_model, resolve
from featherlight.training.normalisation import preprocessing_for, preprocessing_of_weights
from featherlight.training.papers import recipe_for
from featherlight.training.recipe import Recipe, changed

# Pixels a side where none are named. Grey images are small ones: with weights they are enlarged, since those were
# trained on photographs, in which things are larger.
SIZE_OF_GREY, SIZE_OF_PHOTOGRAPHS = 28, 128
SIZE_OF_GREY_WITH_WEIGHTS = 64


@dataclass(frozen=True)
class Start:
    """A network before its first step, what it will see, how it will be trained, and whose weights it starts with."""

    network: Network
    preprocessing: Preprocessing
    recipe: Recipe
    weights: str | None


def start_from(
    name: str,
    arguments: Mapping[str, Any],
    dataset: Dataset,
    *,
    recipe: Recipe | None = None,
    batch: int | None = None,
    changes: Sequence[str] = (),
    size: int | None = None,
    scratch: bool = False,
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> Start:
    """The network `name` (as in `create_model`) for the classes and channels of a data set.

    With its public or saved weights where there are any and `scratch` is not set, else with weights from `seed`. Raises
    Failure where there are weights that cannot be had.
    """
    published = resolve(name, **arguments)
    pretrained = published.weights is not None and not scratch
    if not pretrained and not scratch:
        say(f"no weights are known for {name}: training from scratch")
    if pretrained:
        expected = Preprocessing.from_config(published.preprocessing)
        size = size or (SIZE_OF_GREY_WITH_WEIGHTS if dataset.channels == 1 else expected.size)
        preprocessing = preprocessing_of_weights(expected, dataset, size)
    else:
        size = size or (SIZE_OF_GREY if dataset.channels == 1 else SIZE_OF_PHOTOGRAPHS)
        preprocessing = preprocessing_for(dataset, size)
    recipe = recipe or recipe_for(size, pretrained)
    recipe = changed(recipe if batch is None else recipe.at_batch(batch), changes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            network = create_model(
                name,
                pretrained,
                num_classes=len(dataset.label_names),
                in_chans=dataset.channels,
                drop_rate=recipe.dropout,
                # Weights keep the strides that they were trained with.
                size=None if pretrained else size,
                **arguments,
            )
        except Failure as failure:
            raise Failure(f"{failure}; --scratch trains without them") from failure
    weights = published.weights.name if isinstance(published.weights, Weights) else name
    return Start(network, preprocessing, recipe, weights if pretrained else None)
