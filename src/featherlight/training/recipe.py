"""How to train, as data: what is saved beside a network so that it can be trained again."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from featherlight.errors import BadInput, must_be, unknown

Crop = Literal["pad", "resize"]
Policy = Literal["none", "trivial", "rand"]
Optimiser = Literal["sgd", "rmsprop", "adamw"]
Schedule = Literal["one-cycle", "cosine", "linear", "staircase"]
Precision = Literal["float32", "bfloat16", "auto"]


@dataclass(frozen=True)
class Recipe:
    """Everything about a training run that is a choice and not a measurement.

    The images of a step:
    batch            images a step, over all processes
    crop             "pad": `pad` black pixels all round, then a crop of the same size, for small images;
                     "resize": a part of at least the share `smallest_crop` of the area, resized, for photographs
    mirror           left and right exchanged in half of the images
    policy           "trivial": one operation of random strength on each image (TrivialAugment, Mueller and Hutter
                     2021); "rand": two of moderate strength (RandAugment, Cubuk et al. 2020)
    erase            share of the images that lose a random rectangle (Zhong et al. 2020)
    mixup, cutmix    parameters of the Beta distribution by which two images are blended (Zhang et al. 2018) or one is
                     pasted into the other (Yun et al. 2019); 0 is off; with both, each batch takes one of them

    The move:
    optimiser        "sgd" with Nesterov `momentum`, "rmsprop" with `momentum` and TensorFlow's `epsilon` inside the
                     root, as the papers used it, or "adamw"
    learning_rate    at its peak
    weight_decay     on the weights of convolutions and linear layers; none on biases and batch norm
    layer_decay      the rate of each row is this many times that of the row after it, and the head has the whole
    freeze           share of the rows, from the image on, that stay as they are, batch-norm statistics included
    clip             longest gradient, over all parameters; 0 is off

    The learning rate over time, after a linear warm-up over the share `warm_up` of the steps:
    schedule         "one-cycle": a cosine to zero, `momentum` going down by 0.1 and up again meanwhile (Smith and
                     Topin 2018); "cosine": the same with `momentum` as it is; "linear": a line to zero;
                     "staircase": times `decay` every `decay_epochs` epochs

    The loss:
    label_smoothing  share of the target spread evenly over the classes
    class_weights    every class counts the same, however many images it has
    distil           share of the loss that a teacher's answers at `temperature` make up (Hinton et al. 2015)

    The network:
    dropout          before the classifier
    ema              decay of the running average of the weights, which is then what is kept; 0 is off
    precision        of the arithmetic; "auto" takes bfloat16 where it is measured to be faster

    Padding and mirroring begin with the second epoch: in the first no image comes back, and they only cost accuracy.
    """

    batch: int = 64
    crop: Crop = "pad"
    pad: int = 2
    smallest_crop: float = 0.35
    mirror: bool = True
    policy: Policy = "none"
    erase: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    optimiser: Optimiser = "sgd"
    learning_rate: float = 0.2
    momentum: float = 0.9
    epsilon: float = 1e-3
    weight_decay: float = 5e-4
    layer_decay: float = 1.0
    freeze: float = 0.0
    clip: float = 0.0
    warm_up: float = 0.2
    schedule: Schedule = "cosine"
    decay: float = 0.98
    decay_epochs: float = 1.0
    label_smoothing: float = 0.05
    class_weights: bool = False
    distil: float = 0.0
    temperature: float = 2.0
    dropout: float = 0.0
    ema: float = 0.0
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        kinds = get_type_hints(type(self))
        for each in dataclasses.fields(self):
            value, kind = getattr(self, each.name), kinds[each.name]
            if get_origin(kind) is Literal:
                if value not in get_args(kind):
                    raise must_be(each.name, f"one of {', '.join(get_args(kind))}", value)
            elif not _is_a(value, kind) or not _IN_RANGE.get(each.name, _ANY).holds(value):
                raise must_be(each.name, _IN_RANGE.get(each.name, _ANY).allowed, value)

    def to_json(self) -> dict[str, Any]:
        """The recipe as a JSON object."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Recipe:
        """The recipe that `to_json` wrote; fields that are missing have their defaults.

        BadInput names fields that there are not, and values that a field cannot have.
        """
        strange = sorted(document.keys() - {field.name for field in dataclasses.fields(cls)})
        if strange:
            raise BadInput(f"a recipe has no field {', '.join(map(repr, strange))}")
        return cls(**document)

    def at_batch(self, batch: int) -> Recipe:
        """The same recipe for another batch, the learning rate in proportion (Goyal et al. 2017, section 2.1)."""
        return replace(self, batch=batch, learning_rate=self.learning_rate * batch / self.batch)


def _is_a(value: object, kind: type) -> bool:
    if kind is float:
        kind = int | float  # type: ignore[assignment]
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


class _Range(NamedTuple):
    holds: Callable[[float], bool]
    allowed: str


_ANY = _Range(lambda _: True, "true or false")
_AT_LEAST_0 = _Range(lambda value: 0 <= value < math.inf, "a number of at least 0")
_ABOVE_0 = _Range(lambda value: 0 < value < math.inf, "a number above 0")
_SHARE = _Range(lambda value: 0 <= value <= 1, "from 0 to 1")
_BELOW_1 = _Range(lambda value: 0 <= value < 1, "at least 0 and below 1")
_PART = _Range(lambda value: 0 < value <= 1, "above 0 and at most 1")

_IN_RANGE = {
    "batch": _Range(lambda value: value >= 2, "a whole number of at least 2 (batch norm needs two)"),
    "pad": _Range(lambda value: value >= 0, "a whole number of at least 0"),
    **dict.fromkeys(("mixup", "cutmix", "weight_decay", "clip"), _AT_LEAST_0),
    **dict.fromkeys(("learning_rate", "epsilon", "decay_epochs", "temperature"), _ABOVE_0),
    **dict.fromkeys(("erase", "freeze", "distil"), _SHARE),
    **dict.fromkeys(("momentum", "warm_up", "label_smoothing", "dropout", "ema"), _BELOW_1),
    **dict.fromkeys(("smallest_crop", "layer_decay", "decay"), _PART),
}


SMALL_IMAGES = Recipe()
PHOTOGRAPHS = Recipe(crop="resize")


def changed(recipe: Recipe, assignments: Sequence[str]) -> Recipe:
    """The recipe with fields set as ``field=value`` says; values are written as in JSON, words without quotes."""
    changes: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise must_be("a change of the recipe", "field=value, such as learning_rate=0.1", assignment)
        if name not in Recipe.__dataclass_fields__:
            raise unknown("a field of the recipe", name, Recipe.__dataclass_fields__)
        try:
            changes[name] = json.loads(text)
        except ValueError:
            changes[name] = text
    return replace(recipe, **changes)
