"""ShuffleNet v2's figure 2 on this machine: what the time of whole networks goes to, kind by kind of operation.

Ma et al. 2018, section 2: multiply-adds stand for the convolutions alone, and those of ShuffleNet v1 and MobileNet v2
take about half of the time. The paper's own network, which was built to move less, stands beside them here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from featherlight.engines import ModuleSource, find, torch_compile, torch_cuda
from featherlight.engines.trace import Step
from featherlight.explain.guidelines import ELEMENT_WISE, POOLINGS
from featherlight.graph import kinds
from featherlight.layers import Network
from featherlight.models import entry

Part: TypeAlias = Literal["convolution", "element-wise", "data moving", "shuffle", "pooling"]
PARTS: tuple[Part, ...] = get_args(Part)

NETWORKS = ("shufflenet_v1_g3", "mobilenet_v2", "shufflenet_v2")
IN_THE_PAPER = NETWORKS[:2]
PAPER = "about half of the time is convolutions (its figure 2)"
AS_IN_THE_PAPER = (0.4, 0.6)  # shares of convolutions that are about half
SILENT = (torch_compile.name, torch_cuda.name)  # engines that cannot tell of their steps
CALLS, SIZE = 20, 224
QUICK_CALLS, QUICK_SIZE = 2, 64


@dataclass(frozen=True)
class Split:
    """The time of one image on one engine: seconds a part, as the engine's own profiler gives them."""

    network: str
    engine: str
    seconds: Mapping[Part, float]

    @property
    def total(self) -> float:
        """Seconds of all steps; what an engine does between them is not in it."""
        return sum(self.seconds.values())

    def share(self, part: Part) -> float:
        """Of the time of all steps, 0 to 1."""
        return self.seconds[part] / self.total

    @property
    def verdict(self) -> Literal["as in the paper", "more convolution", "less convolution"]:
        """How the share of convolutions stands to the paper's half."""
        low, high = AS_IN_THE_PAPER
        share = self.share("convolution")
        return "less convolution" if share < low else "more convolution" if share > high else "as in the paper"


def split_time(network: str, engines: Sequence[str], *, threads: int = 1, quick: bool = False) -> tuple[Split, ...]:
    """The time of a registered network at batch 1 on the engines of these names, by parts.

    Raises BadInput for an engine that is not here or that cannot tell of its steps.
    """
    size = QUICK_SIZE if quick else SIZE
    source = ModuleSource(Network(entry(network).build()).eval(), (3, size, size))
    images = np.random.default_rng(0).standard_normal((1, 3, size, size), np.float32)
    splits = []
    for engine in engines:
        steps = find(engine).trace(source, images, threads=threads, calls=QUICK_CALLS if quick else CALLS)
        splits.append(Split(network, engine, by_part(steps)))
    return tuple(splits)


def by_part(steps: Sequence[Step]) -> dict[Part, float]:
    """Seconds a part."""
    seconds = dict.fromkeys(PARTS, 0.0)
    for step in steps:
        seconds[part(step)] += step.seconds
    return seconds


def part(step: Step) -> Part:
    """What a step counts as: what takes longest of that which the engine does in it.

    A convolution is one with the batch norm, the activation and the sum that the engine fuses into it, and depthwise
    ones are convolutions as in the paper's figure. A step without operations of the network changes a layout.
    """
    here = [op.kind for op in step.ops]
    if any(isinstance(kind, (kinds.Convolution, kinds.Linear)) for kind in here):
        return "convolution"
    if any(op.origin.endswith("shuffle") for op in step.ops):
        return "shuffle"
    if any(isinstance(kind, ELEMENT_WISE) for kind in here):
        return "element-wise"
    if any(isinstance(kind, POOLINGS) for kind in here):
        return "pooling"
    return "data moving"
