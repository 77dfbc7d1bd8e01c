"""Which data a network was trained on, where its folder says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

_RESULT = "fit.json"  # in a folder that `fit` made


class Origin(NamedTuple):
    """A data set as `open_dataset` takes it: opened with the same two, it has the same splits."""

    data: str
    seed: int


def find_origin(folder: Path | None) -> Origin | None:
    """The data on which the network in this folder was trained; None where it does not say."""
    try:
        result = json.loads((folder / _RESULT).read_bytes()) if folder else {}
        data, seed = result["data"], result["seed"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Origin(data, seed) if isinstance(data, str) and isinstance(seed, int) else None
