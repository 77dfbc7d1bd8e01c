"""Why a network takes the time it takes: the four guidelines of ShuffleNet v2's paper, found in a graph and measured.

`experiments` builds networks with torch; it is imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from featherlight.explain.doctor import Checkup, check_up
from featherlight.explain.guidelines import Finding, Guideline, block, findings
from featherlight.explain.order import Order, against_paper
from featherlight.explain.profile import Preparing, Profile, Row
from featherlight.explain.what_if import Change

if TYPE_CHECKING:
    from featherlight.explain.experiments import Study as Study
    from featherlight.explain.experiments import run as run
    from featherlight.explain.paper_tables import EXPERIMENTS as EXPERIMENTS
    from featherlight.explain.paper_tables import Experiment as Experiment

_LATE = ("EXPERIMENTS", "Experiment", "Study", "run")

__all__ = [
    "EXPERIMENTS",
    "Change",
    "Checkup",
    "Experiment",
    "Finding",
    "Guideline",
    "Order",
    "Preparing",
    "Profile",
    "Row",
    "Study",
    "against_paper",
    "block",
    "check_up",
    "findings",
    "run",
]


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module 'featherlight.explain' has no attribute {name!r}")
    return getattr(import_module("featherlight.explain.experiments"), name)
