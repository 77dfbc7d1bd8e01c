"""What is asked of a shrink, and whether it can be had."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from featherlight.data import Dataset
from featherlight.engines import AUTO
from featherlight.errors import BadInput, must_be
from featherlight.latency import ENGINES
from featherlight.predict import Classifier
from featherlight.shrinking.netadapt import Choice
from featherlight.timing import Measurement, this_machine
from featherlight.timing.budget import parse_budget

Method: TypeAlias = Literal["netadapt", "uniform", "magnitude"]

JOURNAL = "shrink.jsonl"
MINUTES = 10.0  # of training, where neither these nor images are named


@dataclass(frozen=True)
class Asked:
    """The arguments of a shrink, as `shrink` describes them; one of `minutes` and `images` is None."""

    budget: str | float | None
    faster: str | float | None
    method: Method
    choice: Choice
    minutes: float | None
    images: int | None
    engine: str
    threads: int
    seed: int

    def wanted(self, first: Measurement) -> float:
        """The median that is wanted: the budget is for the 90th percentile, which is as far above as it is now."""
        if self.budget is not None:
            seconds = parse_budget(self.budget) if isinstance(self.budget, str) else self.budget
            return seconds * first.median / first.p90
        assert self.faster is not None
        return first.median / (1 + parse_share(self.faster))


def parse_share(faster: str | float) -> float:
    """0.3 of "30%", "30 %" or 0.3; raises BadInput for anything else, and for none.

    A text of 1 or more needs its "%": who writes 30 hardly wants a network 31 times as fast.
    """
    text = str(faster).strip()
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = math.nan
    unclear = isinstance(faster, str) and share >= 1 and not text.endswith("%")
    if unclear or not 0 < share < math.inf:
        raise must_be("faster", "a share above 0 such as 30%", faster)
    return share


def check(asked: Asked, *, here: bool) -> None:
    """Raise BadInput for an argument that makes no sense; `here` says that the network will run on this machine."""
    _check_time(asked.budget, asked.faster)
    if asked.method not in get_args(Method):
        raise must_be("method", f"one of {', '.join(get_args(Method))}", asked.method)
    if asked.choice not in get_args(Choice):
        raise must_be("choice", f"one of {', '.join(get_args(Choice))}", asked.choice)
    if asked.choice != "ratio" and asked.method != "netadapt":
        raise BadInput(
            f"choice is between NetAdapt's proposals, and the method {asked.method} makes none: leave it out"
        )
    if asked.minutes is not None and asked.images is not None:
        raise BadInput("name either minutes of training or images to train on, and not both")
    if asked.minutes is not None and not 0 < asked.minutes < math.inf:
        raise must_be("minutes", "a number above 0", asked.minutes)
    if asked.images is not None and asked.images < 1:
        raise must_be("images", "a whole number above 0", asked.images)
    if asked.engine not in (AUTO, *ENGINES):
        raise must_be("engine", f"{AUTO} or one that tells of its steps ({', '.join(ENGINES)})", asked.engine)
    cores = this_machine().cores
    if here and not 1 <= asked.threads <= cores:
        raise must_be("threads", f"a whole number from 1 to the {cores} cores of this machine", asked.threads)


def _check_time(budget: str | float | None, faster: str | float | None) -> None:
    if (budget is None) == (faster is None):
        raise BadInput("name either a budget (--budget 1.5ms) or how much faster (--faster 30%), and not both")
    if isinstance(budget, str):
        parse_budget(budget)
    elif budget is not None and not 0 < budget < math.inf:
        raise must_be("budget", "a time above 0", budget)
    if faster is not None:
        parse_share(faster)


def check_classes(classifier: Classifier, dataset: Dataset) -> None:
    """Raise BadInput unless the images are of the network's classes, and of as many channels."""
    if classifier.preprocessing.channels != dataset.channels:
        raise must_be("the images' channels", f"the network's {classifier.preprocessing.channels}", dataset.channels)
    if tuple(classifier.label_names) != tuple(dataset.label_names):
        unknown = sorted(set(dataset.label_names) ^ set(classifier.label_names))
        raise BadInput(
            "the images must have the network's classes in its order; they differ in "
            f"{', '.join(unknown[:10]) or 'the order'}"
        )
