"""Which data a network was trained on, where its folder says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

# In the folders that `fit`, `train`, `search` and `shrink` make.
_RESULTS = ("fit.json", "train.json", "search.json", "shrink.json")


class Origin(NamedTuple):
    """A data set as `open_dataset` takes it: opened with the same two, it has the same splits."""

    data: str
    seed: int


def find_origin(folder: Path | None) -> Origin | None:
    """The data on which the network in this folder was trained; None where it does not say."""
    for path in (folder / name for name in _RESULTS) if folder else ():
        try:
            result = json.loads(path.read_bytes())
            data, seed = result["data"], result["seed"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(data, str) and isinstance(seed, int):
            return Origin(data, seed)
    return None
