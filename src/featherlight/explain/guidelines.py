"""Where a network breaks the four guidelines of Ma et al. 2018 (ShuffleNet v2), section 2, by its graph alone.

A guideline is no law: a finding says where memory access is spent, and the clock says whether that matters here.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from featherlight.cost import OpCost, count, formulas
from featherlight.graph import Graph, Op, Tensor, kinds

Guideline: TypeAlias = Literal["G1", "G2", "G3", "G4"]

EXCESS = 0.05  # G1: memory access above that of equal channels, from which on a layer is worth a word
PIECES = 5  # G3: ResNet's blocks have 2 or 3 (the paper, section 2), ShuffleNet v2's 3 or 5; NASNet-A's have 13
MOSTLY = 0.5  # G4: element-wise work in a block's memory access

POOLINGS = (kinds.MaxPool, kinds.AveragePool, kinds.AdaptiveAveragePool, kinds.Mean)
ELEMENT_WISE = (
    *(kinds.BatchNorm, kinds.LocalResponseNorm, kinds.Activation, kinds.Clip, kinds.Softmax, kinds.LogSoftmax),
    *(kinds.Add, kinds.Subtract, kinds.Multiply, kinds.Divide, kinds.Quantize),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A place that breaks a guideline.

    guideline      G1 unequal channels, G2 groups, G3 fragmentation, G4 element-wise work
    origin         the layer (G1, G2) or the block (G3, G4) where it is
    figure         G1: channels of the wider side over those of the narrower; G2: groups; G3: convolutions and poolings;
                   G4: the share of the block's memory access that is element-wise
    memory_access  elements that the layer, or what G3 and G4 count in the block, reads and writes
    share          of the network's memory access
    """

    guideline: Guideline
    origin: str
    figure: float
    memory_access: int
    share: float

    def __str__(self) -> str:
        what = {
            "G1": f"pointwise convolution with channels 1 to {self.figure:.3g}, where equal ones access memory least",
            "G2": f"convolution in {self.figure:.0f} groups, which access more memory for the same multiply-adds",
            "G3": f"block of {self.figure:.0f} convolutions and poolings, each with its own start and end",
            "G4": f"element-wise work is {self.figure:.0%} of the block's memory access",
        }[self.guideline]
        return f"{self.guideline} at {self.origin}: {what} ({self.share:.1%} of the network's memory access)"


def findings(graph: Graph) -> tuple[Finding, ...]:
    """Where `graph` breaks the guidelines, by guideline and then in the graph's order.

    - G1: pointwise convolutions, grouped or not, that access more than 5 % above the least for their multiply-adds
      (`formulas.least_memory_access`). On a map of one place, as in a squeeze-excite, weights outweigh channels.
    - G2: convolutions in groups; depthwise ones are G4's, as in the paper.
    - G3: blocks of more than five convolutions and poolings.
    - G4: blocks where element-wise work (activations, sums and products, and depthwise convolutions, which the paper
      counts among it) is more than half of the memory access.

    Each operation counts as reading and writing its tensors once; a batch norm after a convolution is folded into it
    and counts nothing. An engine that fuses an activation into the convolution before it saves a part of G4.
    """
    costs = [cost for cost in count(graph).rows if not _folds(graph, cost.op)]
    total = sum(cost.memory_access for cost in costs) or 1
    blocks: dict[str, list[OpCost]] = defaultdict(list)
    for cost in costs:
        blocks[block(cost.op.origin)].append(cost)
    found = [
        *(each for cost in costs for each in _unequal(graph, cost, total)),
        *(each for cost in costs for each in _grouped(graph, cost, total)),
        *(each for name, members in blocks.items() for each in _fragmented(name, members, total)),
        *(each for name, members in blocks.items() for each in _element_wise(graph, name, members, total)),
    ]
    return tuple(found)


def block(origin: str) -> str:
    """The building block that an operation's module path lies in: up to the first number and those right after it.

    ``rows.3.expand.conv`` is in ``rows.3``, ``blocks.2.0.conv_pw`` in ``blocks.2.0`` (timm), and
    ``/layer1/layer1.0/conv1/Conv`` in ``/layer1/layer1.0`` (ONNX). Without a number it is the path's first part.
    """
    numbered = re.match(r"(?:.*?[./])??\d+(?:[./]\d+)*(?=[./]|$)", origin)
    return numbered[0] if numbered else re.split(r"(?<=.)[./]", origin, maxsplit=1)[0]


def _unequal(graph: Graph, cost: OpCost, total: int) -> Iterator[Finding]:
    if not isinstance(cost.op.kind, kinds.Convolution) or _depthwise(graph, cost.op):
        return
    x, weight, *_ = graph.tensors_in(cost.op)
    (y,) = graph.tensors_out(cost.op)
    if weight.shape[2:] != (1, 1):
        return
    groups, hw, c1, c2 = cost.op.kind.groups, _places(y), x.shape[1], y.shape[1]
    least = formulas.least_memory_access(formulas.grouped_convolution(1, c1, c2, hw, groups), hw, groups)
    if formulas.memory_access(c1, c2, hw, groups) > (1 + EXCESS) * least:
        ratio = max(c1, c2) / min(c1, c2)
        yield Finding("G1", cost.op.origin, ratio, cost.memory_access, cost.memory_access / total)


def _grouped(graph: Graph, cost: OpCost, total: int) -> Iterator[Finding]:
    kind = cost.op.kind
    if isinstance(kind, kinds.Convolution) and kind.groups > 1 and not _depthwise(graph, cost.op):
        yield Finding("G2", cost.op.origin, kind.groups, cost.memory_access, cost.memory_access / total)


def _fragmented(name: str, members: Sequence[OpCost], total: int) -> Iterator[Finding]:
    pieces = [cost.memory_access for cost in members if isinstance(cost.op.kind, (kinds.Convolution, *POOLINGS))]
    if name and len(pieces) > PIECES:  # a network without names for its modules is no block
        yield Finding("G3", name, len(pieces), sum(pieces), sum(pieces) / total)


def _element_wise(graph: Graph, name: str, members: Sequence[OpCost], total: int) -> Iterator[Finding]:
    everything = sum(cost.memory_access for cost in members)
    part = sum(
        cost.memory_access for cost in members if isinstance(cost.op.kind, ELEMENT_WISE) or _depthwise(graph, cost.op)
    )
    if part > MOSTLY * everything:
        yield Finding("G4", name, part / everything, part, part / total)


def _folds(graph: Graph, op: Op) -> bool:
    """Whether an operation is a batch norm that every engine folds into the convolution or linear layer before it."""
    if not isinstance(op.kind, kinds.BatchNorm):
        return False
    maker = next((each for each in graph.ops if op.inputs[0] in each.outputs), None)
    return maker is not None and isinstance(maker.kind, (kinds.Convolution, kinds.Linear))


def _depthwise(graph: Graph, op: Op) -> bool:
    return isinstance(op.kind, kinds.Convolution) and op.kind.groups > 1 and graph.tensors[op.inputs[1]].shape[1] == 1


def _places(tensor: Tensor) -> int:
    """Places of a batch of maps."""
    return tensor.elements // tensor.shape[1]
