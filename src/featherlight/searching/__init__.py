"""Networks searched for by the clock: a space of them as data, and the one in it that is best within a budget.

Spaces and their networks are there without torch; what trains or judges them is imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from featherlight.searching.drawing import networks_within
from featherlight.searching.evolution import evolve
from featherlight.searching.front import Found, reward
from featherlight.searching.space import Choice, Genes, Kind, Place, Space, Stage
from featherlight.searching.spaces import SPACES, read_space
from featherlight.searching.variation import crossed, mutated, network_of, random_genes

if TYPE_CHECKING:
    from featherlight.searching.judging import judge as judge
    from featherlight.searching.judging import recalibrate as recalibrate
    from featherlight.searching.supernet import Supernet as Supernet

_LATE = {
    "Supernet": "featherlight.searching.supernet",
    "judge": "featherlight.searching.judging",
    "recalibrate": "featherlight.searching.judging",
}

__all__ = [
    "SPACES",
    "Choice",
    "Found",
    "Genes",
    "Kind",
    "Place",
    "Space",
    "Stage",
    "Supernet",
    "crossed",
    "evolve",
    "judge",
    "mutated",
    "network_of",
    "networks_within",
    "random_genes",
    "read_space",
    "recalibrate",
    "reward",
]


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module 'featherlight.searching' has no attribute {name!r}")
    return getattr(import_module(_LATE[name]), name)
