"""What a folder says of the network in it: the fit, the training, the search or the shrink that made it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from featherlight.errors import BadInput
from featherlight.report.read_fit import JOURNAL as FIT
from featherlight.report.read_fit import read_fit
from featherlight.report.read_search import JOURNAL as SEARCH
from featherlight.report.read_search import read_search
from featherlight.report.read_shrink import JOURNAL as SHRINK
from featherlight.report.read_shrink import read_shrink
from featherlight.report.read_train import read_train
from featherlight.report.result import Result

READERS: dict[str, Callable[[Mapping[str, Any], Path], Result]] = {
    "fit.json": read_fit,
    "train.json": read_train,
    "search.json": read_search,
    "shrink.json": read_shrink,
}

JOURNALS = {"fit": FIT, "search": SEARCH, "shrink": SHRINK}  # what these leave before they have a result


def read_result(folder: Path) -> Result | None:
    """The result in a folder that `fit`, `train`, `search` or `shrink` made; None where it holds none of them.

    Raises BadInput where it cannot be read, and where the job that is to make it has not ended.
    """
    for name, read in READERS.items():
        path = folder / name
        if path.is_file():
            try:
                return read(json.loads(path.read_bytes()), folder)
            except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
                raise BadInput(f"{path} is damaged ({type(error).__name__}: {error})") from None
    for job, journal in JOURNALS.items():
        if (folder / journal).is_file():
            raise BadInput(
                f"{folder} holds a {job} that did not end, and no result yet; the same `featherlight {job}` with "
                "--resume goes on"
            )
    return None
