"""What public implementations answer under weights made from their tensors' names (fixtures/zoos/README.md)."""

from __future__ import annotations

import gzip
import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

FIXTURES = Path(__file__).parent / "fixtures" / "zoos"


@cache
def goldens() -> dict[str, dict[str, Any]]:
    """The records by ``zoo:name``: tensors (name and shape), logits, norm, argmax."""
    records = [
        record
        for file in ("parity.json.gz", "parity_added.json.gz")
        for record in json.loads(gzip.decompress((FIXTURES / file).read_bytes()))
    ]
    return {f"{record['source']}:{record['name']}": record for record in records}


@cache
def counts() -> dict[str, tuple[int, int]]:
    """Parameters and multiply-adds by ``zoo:name``."""
    records = json.loads((FIXTURES / "counts.json").read_text())
    return {f"{record['source']}:{record['name']}": (record["params"], record["macs"]) for record in records}


def state_dict(name: str) -> dict[str, Tensor]:
    """The weights of a golden record in its zoo's layout."""
    return {key: _weights(key, shape) for key, shape in goldens()[name]["tensors"]}


def image() -> Tensor:
    """The image that the records answer to."""
    return torch.from_numpy(np.random.RandomState(2026).randn(1, 3, 224, 224).astype(np.float32))


def _weights(key: str, shape: list[int]) -> Tensor:
    random = np.random.RandomState(zlib.crc32(key.encode()))
    if key.endswith("running_var"):
        values = 1 + 0.2 * random.rand(*shape)
    elif key.endswith(("running_mean", "bias")):
        values = 0.1 * random.randn(*shape)
    elif len(shape) == 1:
        values = 1 + 0.1 * random.randn(*shape)
    else:
        values = random.randn(*shape) * np.sqrt(2 / np.prod(shape[1:]))
    return torch.from_numpy(values.astype(np.float32))
