"""A search as all its workers must know it, and as JSON, in which form it lies in the study."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import featherlight
from featherlight.data import Dataset, Preprocessing
from featherlight.errors import BadInput, must_be
from featherlight.latency import LatencyTable
from featherlight.searching.clock import clock_by
from featherlight.searching.front import reward
from featherlight.searching.space import Space, Stage
from featherlight.spec import Spec, Style
from featherlight.training import Recipe

Sampler: TypeAlias = Literal["evolution", "tpe", "random"]

OPTIONS = "options of the space"  # the one field that is not compared: the space's digest is
RUNGS = (1 / 3,)  # the finalists and the winner, who are trained still longer, are the next ones


@dataclass(frozen=True)
class Search:
    """What the workers of a study search in, for what, and how they judge.

    recipe    of each training; "auto" precision becomes float32, for what is faster differs from machine to machine
    budget    seconds for one image by the `clock`; a network that takes more is never trained
    factor    how many times the table's prediction the clock tells; None is the prediction's upper end
    images    of a trial's longest training
    rungs     the shares of them of shorter trainings before it, after which only the better third goes on
    exponent  of MnasNet's reward, which is then maximised; None maximises the validation accuracy
    sampler   "evolution" and Optuna's "tpe" learn from the networks before; "random" is what they must beat
    threads   of a training, the same on all machines: sums in another order round otherwise
    """

    space: Space
    dataset: Dataset
    preprocessing: Preprocessing
    recipe: Recipe
    budget: float
    clock: Callable[[Spec], float]
    images: int
    factor: float | None = 1.0
    rungs: tuple[float, ...] = RUNGS
    exponent: float | None = None
    sampler: Sampler = "evolution"
    seed: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        if self.recipe.precision == "auto":
            object.__setattr__(self, "recipe", dataclasses.replace(self.recipe, precision="float32"))
        if self.sampler not in get_args(Sampler):
            raise must_be("sampler", f"one of {', '.join(get_args(Sampler))}", self.sampler)
        if not 0 < self.budget < math.inf:
            raise must_be("budget", "a time above 0", self.budget)
        for name in ("images", "threads"):
            if getattr(self, name) < 1:
                raise must_be(name, "a whole number above 0", getattr(self, name))
        if list(self.rungs) != sorted({rung for rung in self.rungs if 0 < rung < 1}):
            raise must_be("rungs", "shares between 0 and 1, each larger than the one before", self.rungs)

    def merit(self, accuracy: float, seconds: float) -> float:
        """What is maximised: the accuracy, or MnasNet's reward."""
        if self.exponent is None:
            return accuracy
        return reward(accuracy, seconds, self.budget, self.exponent)

    def to_json(self) -> dict[str, Any]:
        """All but the images and the clock: of these the digest, and the factor."""
        return {
            "featherlight": featherlight.__version__,
            "space": f"{self.space.name} {self.space.digest[:16]}",
            OPTIONS: space_to_json(self.space),
            "images": self.dataset.digest,
            "seed of the images": self.dataset.seed,
            "preprocessing": json.loads(json.dumps(dataclasses.asdict(self.preprocessing))),
            "recipe": self.recipe.to_json(),
            "budget": self.budget,
            "factor": self.factor,
            "images a trial": self.images,
            "rungs": list(self.rungs),
            "exponent": self.exponent,
            "sampler": self.sampler,
            "seed": self.seed,
            "threads": self.threads,
        }


def search_from_json(document: Mapping[str, Any], dataset: Dataset, table: LatencyTable) -> Search:
    """The search that `to_json` wrote, over the same images and with a clock by the same table.

    Raises BadInput where the images are others, or the search was begun by another version or compiler.
    """
    if document["featherlight"] != featherlight.__version__:
        raise BadInput(
            f"the study was begun by featherlight {document['featherlight']}, and this is {featherlight.__version__}; "
            "install the same on every machine"
        )
    table.check(None, 1)
    if document["images"] != dataset.digest:
        raise BadInput(
            f"the study is over other images: their digest is {document['images']}, that of {dataset.source} is "
            f"{dataset.digest}; copy the same files here, under the same names"
        )
    expected = dict(document["preprocessing"])
    preprocessing = Preprocessing(**expected | {name: tuple(expected[name]) for name in ("mean", "std")})
    image = (preprocessing.channels, preprocessing.size, preprocessing.size)
    return Search(
        space=space_from_json(document[OPTIONS]),
        dataset=dataset,
        preprocessing=preprocessing,
        recipe=Recipe.from_json(document["recipe"]),
        budget=document["budget"],
        clock=clock_by(table, image, len(dataset.label_names), document["factor"]),
        images=document["images a trial"],
        factor=document["factor"],
        rungs=tuple(document["rungs"]),
        exponent=document["exponent"],
        sampler=document["sampler"],
        seed=document["seed"],
        threads=document["threads"],
    )


def space_to_json(space: Space) -> dict[str, Any]:
    """The options of a space as a JSON object."""
    document: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(space)))
    return document


def space_from_json(document: Mapping[str, Any]) -> Space:
    """The space that `space_to_json` wrote."""
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }
    stages = (Stage(**{name: tuple(options) for name, options in stage.items()}) for stage in document["stages"])
    return Space(**fields | {"stages": tuple(stages), "style": Style(**document["style"])})
