"""What is asked of a search, and whether it can be had."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from featherlight.engines import AUTO
from featherlight.errors import BadInput, must_be
from featherlight.latency import ENGINES
from featherlight.timing import this_machine

Method: TypeAlias = Literal["evolution", "tpe", "random", "supernet"]

JOURNAL = "search.jsonl"


@dataclass(frozen=True)
class Asked:
    """The arguments of a search, as `search` describes them; the budget in seconds."""

    budget: float
    minutes: float
    space: str = "light"
    method: Method = "evolution"
    trials: int | None = None
    images: int | None = None
    exponent: float | None = None
    size: int | None = None
    engine: str = AUTO
    threads: int = 1
    study: str | None = None
    seed: int = 0


def check(asked: Asked, *, here: bool) -> None:
    """Raise BadInput for an argument that makes no sense; `here` says that the network will run on this machine."""
    if not isinstance(asked.budget, int | float) or not 0 < asked.budget < math.inf:
        raise must_be("budget", "a time above 0", asked.budget)
    if asked.method not in get_args(Method):
        raise must_be("method", f"one of {', '.join(get_args(Method))}", asked.method)
    if not 0 < asked.minutes < math.inf:
        raise must_be("minutes", "a number above 0", asked.minutes)
    for name, count in (("trials", asked.trials), ("images", asked.images)):
        if count is not None and count < 1:
            raise must_be(name, "a whole number of at least 1", count)
    if asked.exponent is not None and not -10 <= asked.exponent < 0:
        raise must_be("exponent", "a number below 0 and not below -10, such as -0.07", asked.exponent)
    if asked.size is not None and asked.size < 28:
        raise must_be("size", "a whole number of at least 28 pixels", asked.size)
    if asked.engine not in (AUTO, *ENGINES):
        raise must_be("engine", f"{AUTO} or one that tells of its steps ({', '.join(ENGINES)})", asked.engine)
    cores = this_machine().cores
    if here and not 1 <= asked.threads <= cores:
        raise must_be("threads", f"a whole number from 1 to the {cores} cores of this machine", asked.threads)
    if asked.method == "supernet":
        _check_supernet(asked)


def _check_supernet(asked: Asked) -> None:
    if asked.images is not None:
        raise BadInput("images are those that each network is trained on by itself, as in no supernet; leave them out")
    if asked.study is not None:
        raise BadInput(
            "a study is of networks that are each trained by themselves; a supernet is one network, trained here"
        )
