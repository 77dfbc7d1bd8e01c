"""What is asked of a search, and whether it can be had."""

from __future__ import annotations

import math
from typing import get_args

from featherlight.data import Dataset
from featherlight.engines import AUTO
from featherlight.errors import BadInput, must_be
from featherlight.latency.device import ENGINES
from featherlight.searching.task import Method
from featherlight.timing import this_machine

JOURNAL = "search.jsonl"
SIZE_OF_GREY, SIZE_OF_PHOTOGRAPHS = 28, 128


def size_of(dataset: Dataset, size: int | None) -> int:
    """Of the images as the networks see them."""
    return size or (SIZE_OF_GREY if dataset.channels == 1 else SIZE_OF_PHOTOGRAPHS)


def check(
    budget: float,
    method: str,
    minutes: float,
    trials: int | None,
    images: int | None,
    exponent: float | None,
    size: int | None,
    engine: str,
    threads: int,
    study: str | None,
    *,
    here: bool,
) -> None:
    """Raise BadInput for an argument that makes no sense; `here` says that the network will run on this machine."""
    if not isinstance(budget, int | float) or not 0 < budget < math.inf:
        raise must_be("budget", "a time above 0", budget)
    if method not in get_args(Method):
        raise must_be("method", f"one of {', '.join(get_args(Method))}", method)
    if not 0 < minutes < math.inf:
        raise must_be("minutes", "a number above 0", minutes)
    for name, count in (("trials", trials), ("images", images)):
        if count is not None and count < 1:
            raise must_be(name, "a whole number of at least 1", count)
    if exponent is not None and not -10 <= exponent < 0:
        raise must_be("exponent", "a number below 0 and not below -10, such as -0.07", exponent)
    if size is not None and size < 28:
        raise must_be("size", "a whole number of at least 28 pixels", size)
    if engine not in (AUTO, *ENGINES):
        raise must_be("engine", f"{AUTO} or one that tells of its steps ({', '.join(ENGINES)})", engine)
    if here and not 1 <= threads <= this_machine().cores:
        raise must_be("threads", f"a whole number from 1 to the {this_machine().cores} cores of this machine", threads)
    if images is not None and method == "supernet":
        raise BadInput("images are those that each network of a study is trained on (optuna, random); leave them out")
    if study is not None and method == "supernet":
        raise BadInput("a study is kept by the methods optuna and random; a supernet is one network, trained here")
