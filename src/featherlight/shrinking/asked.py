"""What is asked of a shrink, and whether it can be had."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from featherlight.data import Dataset
from featherlight.engines import AUTO
from featherlight.errors import BadInput, must_be
from featherlight.latency.device import ENGINES
from featherlight.predict import Classifier
from featherlight.shrinking.result import RESULT
from featherlight.timing import Measurement, this_machine
from featherlight.timing.budget import parse_budget

Method: TypeAlias = Literal["netadapt", "uniform", "magnitude"]

JOURNAL = "shrink.jsonl"


def wanted(first: Measurement, budget: str | float | None, faster: str | float | None) -> float:
    """The median that is wanted: the budget is for the 90th percentile, which is as far above as it is now."""
    if budget is not None:
        seconds = parse_budget(budget) if isinstance(budget, str) else budget
        return seconds * first.median / first.p90
    assert faster is not None
    return first.median / (1 + parse_share(faster))


def parse_share(faster: str | float) -> float:
    """0.3 of "30%", "30 %" or 0.3; raises BadInput for anything else, and for none."""
    text = str(faster).strip()
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = math.nan
    if not 0 < share < math.inf:
        raise must_be("faster", "a share above 0 such as 30%", faster)
    return share


def check(
    budget: str | float | None,
    faster: str | float | None,
    method: str,
    minutes: float,
    engine: str,
    threads: int,
    *,
    here: bool,
) -> None:
    """Raise BadInput for an argument that makes no sense; `here` says that the network will run on this machine."""
    if (budget is None) == (faster is None):
        raise BadInput("name either a budget (--budget 1.5ms) or how much faster (--faster 30%), and not both")
    if isinstance(budget, str):
        parse_budget(budget)
    elif budget is not None and not 0 < budget < math.inf:
        raise must_be("budget", "a time above 0", budget)
    if faster is not None:
        parse_share(faster)
    if method not in get_args(Method):
        raise must_be("method", f"one of {', '.join(get_args(Method))}", method)
    if not 0 < minutes < math.inf:
        raise must_be("minutes", "a number above 0", minutes)
    if engine not in (AUTO, *ENGINES):
        raise must_be("engine", f"{AUTO} or one that tells of its steps ({', '.join(ENGINES)})", engine)
    if here and not 1 <= threads <= this_machine().cores:
        raise must_be("threads", f"a whole number from 1 to the {this_machine().cores} cores of this machine", threads)


def check_folder(folder: Path, resume: bool) -> None:
    """Raise BadInput unless a shrink can begin in this folder, or go on there."""
    if (folder / RESULT).exists():
        raise BadInput(f"{folder} holds a result already ({RESULT}); name another folder with --out")
    if (folder / JOURNAL).exists():
        if resume:
            return
        raise BadInput(f"{folder} holds a shrink that did not end; go on with --resume, or name another folder")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} exists and is not an empty folder; name a new one with --out")


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
