"""Writes docs/networks/facts.json: what the pages of docs/networks say of each registered network's graph.

It traces all of them at their published size, which takes a minute: run it after adding a network (`make counts`), and
then write_networks.py, which makes the pages' tables from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from featherlight import models
from featherlight.cost import count
from featherlight.explain import findings
from featherlight.files import write_json
from featherlight.graph import canonical, from_torch
from featherlight.layers import Network

FILE = Path(__file__).parents[1] / "docs" / "networks" / "facts.json"


def facts(name: str) -> dict[str, Any]:
    """Counts of a network at its published size and 1000 classes, and where it breaks the guidelines.

    Memory access is that of one image with batch norms folded. A guideline has the number of places that break it,
    their share of the network's memory access, and the sentence of the one with the largest share.
    """
    entry = models.entry(name)
    graph = from_torch(Network(entry.build()).eval(), (1, 3, entry.size, entry.size))
    counted = models.counts(name)
    found = findings(graph)
    broken = {}
    for guideline in ("G1", "G2", "G3", "G4"):
        if mine := [each for each in found if each.guideline == guideline]:
            worst = max(mine, key=lambda each: each.share)
            share = sum(each.share for each in mine)
            broken[guideline] = {"places": len(mine), "share": round(share, 4), "worst": str(worst)}
    return {
        "parameters": counted.parameters,
        "multiply_adds": counted.multiply_adds,
        "memory_access": count(canonical(graph)).memory_access,
        "guidelines": broken,
    }


if __name__ == "__main__":
    write_json(FILE, {name: facts(name) for name in models.list_models()})
