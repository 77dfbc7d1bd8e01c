"""The table of engines, and the one that a name asks for."""

from __future__ import annotations

from collections.abc import Mapping

from featherlight.engines import native, onnxruntime, openvino, torch_compile, torch_cuda, torch_eager
from featherlight.engines.protocol import Engine
from featherlight.errors import BadInput, unknown

_QUICK: tuple[Engine, ...] = (torch_eager, onnxruntime, openvino, native)
_BY_NAME_ONLY: tuple[Engine, ...] = (torch_compile, torch_cuda)  # compiles for minutes; is no CPU
ENGINES: Mapping[str, Engine] = {engine.name: engine for engine in (*_QUICK, *_BY_NAME_ONLY)}


def find(name: str) -> Engine:
    """The engine of that name; BadInput where there is none, or where it is not installed (and what to install)."""
    if name not in ENGINES:
        raise unknown("engine", name, ENGINES)
    if reason := ENGINES[name].missing():
        raise BadInput(reason)
    return ENGINES[name]


def available() -> list[Engine]:
    """The engines that are installed here and may be tried unasked, in the order of `ENGINES`.

    They run on the CPU and build within a second or so. The others run where they are asked for by name.
    """
    return [engine for engine in _QUICK if engine.missing() is None]
