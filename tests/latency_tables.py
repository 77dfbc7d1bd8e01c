"""Latency tables that were never measured: written by formula, with a right digest, for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from featherlight.graph import Graph
from featherlight.latency import device, pieces

MACHINE = {"cpu": "Raspberry Pi 9", "cores": 4, "instruction_sets": ["asimd"], "system": "Linux aarch64"}


def seconds_of(key: str, multiply_adds: int, bytes_moved: int) -> float:
    """A nanosecond a multiply-add, another for four bytes."""
    return 1e-9 * multiply_adds + 0.25e-9 * bytes_moved


def made_up(graphs: Mapping[str, Graph], scale: float = 1.1, **about: Any) -> dict[str, Any]:
    """A document whose pieces follow the formula, and whose networks take `scale` times their pieces."""
    known: dict[str, dict[str, Any]] = {}
    networks = []
    for name, graph in graphs.items():
        own = pieces(graph)
        for piece in own:
            took = seconds_of(piece.key, piece.multiply_adds, piece.bytes_moved)
            known.setdefault(
                piece.key,
                {"key": piece.key, "kind": piece.kind, "multiply_adds": piece.multiply_adds, "bytes": piece.bytes_moved,
                 "steps": 1, "seconds": [1.5 * took, took], "enter": [0.0, 0.0], "leave": [0.0, 0.0]},
            )  # fmt: skip
        wired = [[list(known).index(piece.key), list(piece.reads), list(piece.writes)] for piece in own]
        took = scale * sum(min(known[piece.key]["seconds"]) for piece in own)
        networks.append({"name": name, "family": name.split()[0], "pieces": wired, "seconds": [took, 1.2 * took]})
    target = {"engine": "onnxruntime", "version": "1", "threads": 2, "precision": "f32", "batch": 1, "machine": MACHINE}
    document = {
        "format": device.FORMAT,
        "version": device.VERSION,
        "bundle": "0" * 64,
        "target": target,
        "libraries": {"onnxruntime": "1"},
        "about": about,
        "pieces": list(known.values()),
        "networks": networks,
    }
    return signed(document)


def signed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the digest that it should have."""
    return document | {"digest": device.digest(document)}


def write(path: Path, document: dict[str, Any]) -> Path:
    path.write_text(json.dumps(document))
    return path
