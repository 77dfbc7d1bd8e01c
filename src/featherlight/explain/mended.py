"""What a finding is about, cut out of its network, beside the same mended: two graphs of equal work where work counts.

Only layers and blocks on their own are rebuilt: a changed width would change every neighbour, and the network as a
whole would answer another question.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from featherlight.cost import count
from featherlight.explain.guidelines import Finding, block
from featherlight.graph import Builder, Graph, Op, Tensor, kinds
from featherlight.graph.passes.rewriting import rebuilt

VECTOR = 8  # float32 in a vector of AVX: channels that fill none would be timed for that instead
NEAR = 0.1  # how far multiply-adds may move for whole vectors


@dataclass(frozen=True, eq=False)
class Mended:
    """A part of a network as it is and as a guideline would have it; `change` says what was done."""

    change: str
    before: Graph
    after: Graph


def mended(graph: Graph, finding: Finding) -> Mended | str:
    """The place of a finding and its mend, or why there is none.

    - G1: the pointwise convolution with as many channels in as out, at equal multiply-adds.
    - G2: without groups, both sides divided by the root of their number, at equal multiply-adds.
    - G3: one convolution of the block's largest kernel in place of all, with as many channels in as out and the
      block's multiply-adds, on the map that the block gives.
    - G4: the block without its activations, sums and products; its depthwise convolutions stay, for without them it
      would be another network.
    """
    if finding.guideline in ("G1", "G2"):
        return _layer_mended(graph, finding)
    part = _block(graph, finding.origin)
    if isinstance(part, str):
        return part
    return _one_convolution(part) if finding.guideline == "G3" else _without_element_wise(part)


def _layer_mended(graph: Graph, finding: Finding) -> Mended | str:
    op = next((op for op in graph.ops if op.origin == finding.origin and isinstance(op.kind, kinds.Convolution)), None)
    if op is None or not isinstance(op.kind, kinds.Convolution):
        return "its convolution is not found by name"
    (x, weight, *_), (y,) = graph.tensors_in(op), graph.tensors_out(op)
    c1, c2, kind = x.shape[1], y.shape[1], op.kind
    if finding.guideline == "G1":
        after = replace(kind)
        sides = (math.sqrt(c1 * c2),) * 2
        words = "as many channels in as out"
    else:
        after = replace(kind, groups=1)
        sides = (c1 / math.sqrt(kind.groups), c2 / math.sqrt(kind.groups))
        words = "no groups"
    d1, d2 = _channels(sides, after.groups)
    kernel = (weight.shape[2], weight.shape[3])
    return Mended(
        f"{c1} to {c2} channels{f' in {kind.groups} groups' if kind.groups > 1 else ''} become {d1} to {d2}: {words}",
        _convolution(kind, (c1, c2), kernel, x.shape[2:]),
        _convolution(after, (d1, d2), kernel, x.shape[2:]),
    )


def _channels(sides: tuple[float, float], groups: int) -> tuple[int, int]:
    """Whole channels near `sides`: whole vectors where the product then stays near, else what is nearest."""
    wanted = sides[0] * sides[1]
    for step in (math.lcm(VECTOR, groups), groups):
        one, other = (max(1, round(side / step)) * step for side in sides)
        if step == groups or abs(one * other / wanted - 1) <= NEAR:
            break
    return one, other


def _convolution(
    kind: kinds.Convolution, channels: tuple[int, int], kernel: tuple[int, int], places: Sequence[int]
) -> Graph:
    """A convolution on its own: no bias, weights at random."""
    builder = Builder()
    x = builder.input("x", Tensor((1, channels[0], *places)))
    shape = (channels[1], channels[0] // kind.groups, *kernel)
    values = np.random.default_rng(0).standard_normal(shape, np.float32) / math.sqrt(math.prod(shape[1:]))
    return builder.graph(builder.add(kind, [x, builder.constant("weight", values.astype(np.float32))], "y"))


def _block(graph: Graph, name: str) -> Graph | str:
    """A block on its own, where one map goes in and one tensor comes out."""
    ops = [op for op in graph.ops if block(op.origin) == name]
    made = {output for op in ops for output in op.outputs}
    given = list(dict.fromkeys(n for op in ops for n in op.inputs if n not in made and n not in graph.constants))
    others = {n for op in graph.ops if block(op.origin) != name for n in op.inputs}
    results = [n for op in ops for n in op.outputs if n in others or n in graph.outputs]
    if len(given) != 1 or len(results) != 1 or len(graph.tensors[given[0]].shape) != 4:
        return f"the block takes {len(given)} tensors and gives {len(results)}: alone it would be another network"
    own = replace(graph, inputs=tuple(given), tensors=graph.tensors)
    return rebuilt(own, ops, outputs=results)


def _one_convolution(part: Graph) -> Mended | str:
    convolutions = [op for op in part.ops if isinstance(op.kind, kinds.Convolution)]
    y = part.tensors[part.outputs[0]]
    if not convolutions or len(y.shape) != 4:
        return "the block holds no convolution, or gives no map"
    side = max(max(part.tensors[op.inputs[1]].shape[2:]) for op in convolutions)
    work = count(part).multiply_adds
    channels, _ = _channels((math.sqrt(work / (side * side * y.shape[2] * y.shape[3])),) * 2, 1)
    kind = kinds.Convolution(padding=(side // 2,) * 4)
    return Mended(
        f"its pieces become one {side}x{side} convolution of {channels} to {channels} channels",
        part,
        _convolution(kind, (channels, channels), (side, side), y.shape[2:]),
    )


def _without_element_wise(part: Graph) -> Mended | str:
    """The block without activations, sums and products: what reads one reads its latest operand of the same shape."""
    order = {name: at for at, op in enumerate(part.ops) for name in op.outputs}
    instead: dict[str, str] = {}
    kept: list[Op] = []
    light = (kinds.Activation, kinds.Clip, kinds.Add, kinds.Subtract, kinds.Multiply, kinds.Divide)
    for op in part.ops:
        op = replace(op, inputs=tuple(instead.get(name, name) for name in op.inputs))
        (y, *_) = op.outputs
        like = [name for name in op.inputs if part.tensors[name] == part.tensors[y] and name not in part.constants]
        if isinstance(op.kind, light) and like:
            instead[y] = max(like, key=lambda name: order.get(name, -1))
        else:
            kept.append(op)
    gone = len(part.ops) - len(kept)
    outputs = [instead.get(name, name) for name in part.outputs]
    if not gone or not set(outputs) & {name for op in kept for name in op.outputs}:
        return "nothing but its depthwise convolution is element-wise there"
    return Mended(
        f"without its {gone} activations, sums and products" if gone > 1 else "without its activation, sum or product",
        part,
        rebuilt(part, kept, outputs=outputs),
    )
