"""Networks made thinner: which widths a Spec has, the weights that are left when one is cut, and what to cut next."""

from __future__ import annotations

from featherlight.shrinking.carve import IllegalCut, carve, filter_norm, legal, norms, removed
from featherlight.shrinking.job import shrink
from featherlight.shrinking.netadapt import Bench, Choice, State, Step, netadapt
from featherlight.shrinking.one_shot import magnitude, uniform
from featherlight.shrinking.proposals import Clock, Proposal, proposals
from featherlight.shrinking.result import Shrunk, finished
from featherlight.shrinking.widths import Width, widths, with_channels

__all__ = [
    "Bench",
    "Choice",
    "Clock",
    "IllegalCut",
    "Proposal",
    "Shrunk",
    "State",
    "Step",
    "Width",
    "carve",
    "filter_norm",
    "finished",
    "legal",
    "magnitude",
    "netadapt",
    "norms",
    "proposals",
    "removed",
    "shrink",
    "uniform",
    "widths",
    "with_channels",
]
