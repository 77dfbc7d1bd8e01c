"""Writes src/featherlight/models/counts.json: parameters and multiply-adds of every registered network.

Run it after adding a network: `make counts`. A test holds the file against `featherlight.cost`.
"""

from __future__ import annotations

from pathlib import Path

from featherlight import models
from featherlight.cost import count
from featherlight.files import write_json
from featherlight.graph import from_torch
from featherlight.layers import Network

FILE = Path(models.__file__).with_name("counts.json")


def counted(name: str) -> dict[str, int]:
    """The counts of one registered network at its published size and 1000 classes."""
    entry = models.entry(name)
    cost = count(from_torch(Network(entry.build()).eval(), (1, 3, entry.size, entry.size)))
    return {"parameters": cost.parameters, "multiply_adds": cost.multiply_adds}


if __name__ == "__main__":
    write_json(FILE, {name: counted(name) for name in models.list_models()})
