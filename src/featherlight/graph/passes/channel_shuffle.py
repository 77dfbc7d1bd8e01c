"""The channel shuffle, recognised from reshape, transpose, reshape."""

from __future__ import annotations

from featherlight.graph.ir import Graph, Op
from featherlight.graph.kinds import ChannelShuffle, Reshape, Transpose
from featherlight.graph.passes.rewriting import makers, rebuilt


def channel_shuffle(graph: Graph) -> Graph:
    """The graph with each shuffle in pieces as one ChannelShuffle (Zhang et al. 2018, section 3.1).

        x (N, g n, H, W) -- reshape (N, g, n, H, W) -- transpose (0, 2, 1, 3, 4) -- reshape (N, g n, H, W) -- y
    becomes
        x -- channel shuffle(g) -- y

    Height and width may stand as one axis in between. Pieces that something else reads stay for it. Does not apply
    where images and channels are reshaped together, or where the last shape is not the first one.
    """
    made = makers(graph)
    return rebuilt(graph, [_recognised(graph, made, op) or op for op in graph.ops])


def _recognised(graph: Graph, made: dict[str, Op], op: Op) -> Op | None:
    swap = made.get(op.inputs[0]) if isinstance(op.kind, Reshape) else None
    apart = made.get(swap.inputs[0]) if swap is not None and isinstance(swap.kind, Transpose) else None
    if swap is None or apart is None or not isinstance(apart.kind, Reshape):
        return None
    x, table = graph.tensors[apart.inputs[0]].shape, apart.kind.shape
    if len(x) < 2 or len(table) < 3 or graph.tensors[op.outputs[0]].shape != x:
        return None
    if swap.kind != Transpose((0, 2, 1, *range(3, len(table)))) or (table[0], table[1] * table[2]) != x[:2]:
        return None
    return Op(ChannelShuffle(table[1]), apart.inputs, op.outputs, op.origin)
