"""How to train, as data: what is saved beside a network so that it can be trained again."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

from featherlight.errors import BadInput, must_be
from featherlight.spec.small_images import LARGEST


@dataclass(frozen=True)
class Recipe:
    """SGD with Nesterov momentum on one cycle of the learning rate, for images cropped and mirrored at random.

    learning_rate    at the peak, which a linear warm-up reaches after the share `warm_up` of the steps; from there it
                     falls to zero along a cosine
    weight_decay     on the weights of convolutions and linear layers; none on biases and batch norm
    label_smoothing  share of the target spread evenly over the classes
    crop             "pad": `pad` black pixels all round, then a crop of the same size, for small images;
                     "resize": a part of at least the share `smallest_crop` of the area, resized, for photographs
    mirror           left and right exchanged in half of the images

    Padding and mirroring begin with the second epoch: in the first no image comes back, and they only cost accuracy.
    """

    batch: int = 64
    learning_rate: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.05
    warm_up: float = 0.2
    crop: Literal["pad", "resize"] = "pad"
    pad: int = 2
    smallest_crop: float = 0.35
    mirror: bool = True

    def __post_init__(self) -> None:
        if self.batch < 2:
            raise must_be("batch", "a whole number of at least 2 (batch norm needs two)", self.batch)
        for name in ("momentum", "label_smoothing", "warm_up"):
            if not 0 <= getattr(self, name) < 1:
                raise must_be(name, "at least 0 and below 1", getattr(self, name))
        if not 0 < self.learning_rate < math.inf:
            raise must_be("learning_rate", "a number above 0", self.learning_rate)
        if not 0 <= self.weight_decay < math.inf:
            raise must_be("weight_decay", "a number of at least 0", self.weight_decay)
        if self.crop not in ("pad", "resize"):
            raise must_be("crop", "'pad' or 'resize'", self.crop)
        if self.pad < 0:
            raise must_be("pad", "a whole number of at least 0", self.pad)
        if not 0 < self.smallest_crop <= 1:
            raise must_be("smallest_crop", "above 0 and at most 1", self.smallest_crop)

    def to_json(self) -> dict[str, Any]:
        """The recipe as a JSON object."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Recipe:
        """The recipe that `to_json` wrote; BadInput names fields that it does not know."""
        strange = sorted(document.keys() - {field.name for field in dataclasses.fields(cls)})
        if strange:
            raise BadInput(f"a recipe has no field {', '.join(map(repr, strange))}")
        return cls(**document)


SMALL_IMAGES = Recipe()
PHOTOGRAPHS = Recipe(crop="resize")


def recipe_for(size: int) -> Recipe:
    """The recipe for inputs of `size` pixels: up to 64 they are small images."""
    return SMALL_IMAGES if size <= LARGEST else PHOTOGRAPHS


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate of one step (0 to steps - 1): up in a line, down along a cosine, never quite zero."""
    position = (step + 0.5) / steps
    if position < recipe.warm_up:
        return recipe.learning_rate * position / recipe.warm_up
    return recipe.learning_rate * (1 + math.cos(math.pi * (position - recipe.warm_up) / (1 - recipe.warm_up))) / 2
