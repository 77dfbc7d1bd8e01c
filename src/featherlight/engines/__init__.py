"""The engines that run a network here, rivals under one protocol. Importing this package loads none of them.

A new engine is a module with the names of `Engine`, and a line in `find.py`.
"""

from featherlight.engines.auto import AUTO, choose, fastest
from featherlight.engines.find import ENGINES, available, find
from featherlight.engines.processes import PROCESS_BYTES, measure_apart
from featherlight.engines.protocol import Engine
from featherlight.engines.rivals import measure
from featherlight.engines.running import Running
from featherlight.engines.source import GraphSource, ModuleSource, OnnxSource, Source
from featherlight.engines.worker import Rival

__all__ = [
    "AUTO",
    "ENGINES",
    "PROCESS_BYTES",
    "Engine",
    "GraphSource",
    "ModuleSource",
    "OnnxSource",
    "Rival",
    "Running",
    "Source",
    "available",
    "choose",
    "fastest",
    "find",
    "measure",
    "measure_apart",
]
