"""The table of engines, and the one that a name asks for."""

from __future__ import annotations

from collections.abc import Mapping

from featherlight.engines import onnxruntime, openvino, torch_eager
from featherlight.engines.protocol import Engine
from featherlight.errors import BadInput, unknown

_ALL: tuple[Engine, ...] = (torch_eager, onnxruntime, openvino)
ENGINES: Mapping[str, Engine] = {engine.name: engine for engine in _ALL}


def find(name: str) -> Engine:
    """The engine of that name; BadInput where there is none, or where it is not installed (and what to install)."""
    if name not in ENGINES:
        raise unknown("engine", name, ENGINES)
    if reason := ENGINES[name].missing():
        raise BadInput(reason)
    return ENGINES[name]


def available() -> list[Engine]:
    """The engines that are installed here, in the order of `ENGINES`."""
    return [engine for engine in ENGINES.values() if engine.missing() is None]
