"""What decides a training run to the last bit, and what it was asked for: the two halves of a resumable run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

import featherlight
from featherlight.data import Dataset, Preprocessing
from featherlight.training.recipe import Recipe

# What a result depends on: the other rooms may change while a run is under way.
_ROOMS = ("compiler", "data", "layers", "spec", "training")


@dataclass(frozen=True)
class Plan:
    """All that decides what comes out of a network and images: with the same plan, on the same CPU, the same bits.

    steps, threads (of each process) and bfloat16 are often measured before the first step; here they stand fixed. At
    each check `validated` images are looked at, None for all; with 0 there is no check.
    """

    recipe: Recipe
    preprocessing: Preprocessing
    steps: int
    seed: int
    threads: int
    processes: int = 1
    bfloat16: bool = False
    validated: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The plan as a JSON object, tuples as lists."""
        document: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Plan:
        """The plan that `to_json` wrote."""
        preprocessing = dict(document["preprocessing"])
        for name in ("mean", "std"):
            preprocessing[name] = tuple(preprocessing[name])
        return cls(
            **{
                **document,
                "recipe": Recipe.from_json(document["recipe"]),
                "preprocessing": Preprocessing(**preprocessing),
            }
        )


def identity(model: nn.Module, dataset: Dataset, teacher: nn.Module | None) -> dict[str, Any]:
    """What a run works on, as JSON: where any of it differs, a run cannot go on from another's checkpoints."""
    return {
        "featherlight": featherlight.__version__,
        "code": code_digest(),
        "torch": torch.__version__,
        "data": {"source": dataset.source, "seed": dataset.seed, "images": dataset.digest},
        "weights at the start": weights_digest(model),
        "teacher": None if teacher is None else weights_digest(teacher),
    }


def differences(then: Any, now: Any, name: str = "") -> Iterator[str]:
    """Each leaf in which two JSON documents differ: "recipe.batch: 64 then, 32 now"."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in sorted(then.keys() | now.keys()):
            yield from differences(then.get(key), now.get(key), f"{name}.{key}" if name else key)
    elif then != now:
        yield f"{name}: {then} then, {now} now"


def code_digest() -> str:
    """Of the source that decides what training does: 16 hexadecimal digits."""
    home = Path(featherlight.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(path for room in _ROOMS for path in (home / room).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def weights_digest(model: nn.Module) -> str:
    """Of all weights and statistics with their names: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
