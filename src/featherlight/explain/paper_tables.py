"""ShuffleNet v2's tables 1 to 4: the networks, and the speeds that the paper measured (Ma et al. 2018, section 2).

On a CPU the shapes are those of the paper's ARM column at x1 (Snapdragon 810, one image at a time, one thread), on a
GPU those of its GPU column at x1. Three things are not the paper's word: 184 channels in place of 180 in 8 groups on
the CPU, which do not divide 180; a bottleneck's inner channels, a quarter of its outer ones; and that fragments side by
side see the same map and are added up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn

from featherlight.explain.guidelines import Guideline
from featherlight.explain.stacks import bottlenecks, grouped, pairs, parallel, series

COLUMNS = {"cpu": "ARM (Snapdragon 810), x1, images a second", "cuda": "GTX 1080 Ti, x1, batches a second"}


@dataclass(frozen=True)
class Variant:
    """One line of a table: what the paper calls it, its speed there, the channels of its map, how it is built."""

    name: str
    paper: float
    channels: int
    build: Callable[[int], nn.Module]  # from the number of blocks


@dataclass(frozen=True)
class Experiment:
    """One of the paper's tables, quickest first as the guideline has it."""

    guideline: Guideline
    table: int
    claim: str
    variants: tuple[Variant, ...]


EXPERIMENTS = (
    Experiment("G1", 1, "equal channel widths access memory least",
        (
            Variant("1:1", 76.2, 32, partial(pairs, c1=32, c2=32)),
            Variant("1:2", 72.9, 22, partial(pairs, c1=22, c2=44)),
            Variant("1:6", 69.1, 13, partial(pairs, c1=13, c2=78)),
            Variant("1:12", 57.6, 9, partial(pairs, c1=9, c2=108)),
        )),
    Experiment("G2", 2, "groups access more memory",
        (
            Variant("1 group", 40.0, 64, partial(grouped, channels=64, groups=1)),
            Variant("2 groups", 35.0, 90, partial(grouped, channels=90, groups=2)),
            Variant("4 groups", 32.9, 128, partial(grouped, channels=128, groups=4)),
            Variant("8 groups", 27.8, 184, partial(grouped, channels=184, groups=8)),
        )),
    Experiment("G3", 3, "fragments are done less in parallel",
        (
            Variant("1 fragment", 40.2, 64, partial(series, channels=64, fragments=1)),
            Variant("2 in series", 38.6, 45, partial(series, channels=45, fragments=2)),
            Variant("4 in series", 38.4, 32, partial(series, channels=32, fragments=4)),
            Variant("2 in parallel", 33.4, 45, partial(parallel, channels=45, fragments=2)),
            Variant("4 in parallel", 35.0, 32, partial(parallel, channels=32, fragments=4)),
        )),
    Experiment("G4", 4, "element-wise operations take time",
        (
            Variant("neither", 66.3, 32, partial(bottlenecks, channels=32, relu=False, shortcut=False)),
            Variant("ReLU", 61.9, 32, partial(bottlenecks, channels=32, relu=True, shortcut=False)),
            Variant("shortcut", 57.3, 32, partial(bottlenecks, channels=32, relu=False, shortcut=True)),
            Variant("ReLU and shortcut", 56.7, 32, partial(bottlenecks, channels=32, relu=True, shortcut=True)),
        )),
)  # fmt: skip


# The same tables in the paper's GPU column: four times the channels of G1, twice those of G2 and G3, G4's as they are.
GPU_EXPERIMENTS = (
    Experiment("G1", 1, EXPERIMENTS[0].claim,
        (
            Variant("1:1", 1480, 128, partial(pairs, c1=128, c2=128)),
            Variant("1:2", 1296, 90, partial(pairs, c1=90, c2=180)),
            Variant("1:6", 876, 52, partial(pairs, c1=52, c2=312)),
            Variant("1:12", 748, 36, partial(pairs, c1=36, c2=432)),
        )),
    Experiment("G2", 2, EXPERIMENTS[1].claim,
        (
            Variant("1 group", 2451, 128, partial(grouped, channels=128, groups=1)),
            Variant("2 groups", 1725, 180, partial(grouped, channels=180, groups=2)),
            Variant("4 groups", 1026, 256, partial(grouped, channels=256, groups=4)),
            Variant("8 groups", 634, 360, partial(grouped, channels=360, groups=8)),
        )),
    Experiment("G3", 3, EXPERIMENTS[2].claim,
        (
            Variant("1 fragment", 2446, 128, partial(series, channels=128, fragments=1)),
            Variant("2 in series", 1790, 90, partial(series, channels=90, fragments=2)),
            Variant("4 in series", 752, 64, partial(series, channels=64, fragments=4)),
            Variant("2 in parallel", 1537, 90, partial(parallel, channels=90, fragments=2)),
            Variant("4 in parallel", 691, 64, partial(parallel, channels=64, fragments=4)),
        )),
    Experiment("G4", 4, EXPERIMENTS[3].claim,
        (
            Variant("neither", 2842, 32, partial(bottlenecks, channels=32, relu=False, shortcut=False)),
            Variant("ReLU", 2647, 32, partial(bottlenecks, channels=32, relu=True, shortcut=False)),
            Variant("shortcut", 2672, 32, partial(bottlenecks, channels=32, relu=False, shortcut=True)),
            Variant("ReLU and shortcut", 2427, 32, partial(bottlenecks, channels=32, relu=True, shortcut=True)),
        )),
)  # fmt: skip
