"""The passes in their order."""

from __future__ import annotations

from collections.abc import Callable

from featherlight.graph.ir import Graph
from featherlight.graph.passes.channel_shuffle import channel_shuffle
from featherlight.graph.passes.drop_identity import drop_identity
from featherlight.graph.passes.drop_unused import drop_unused
from featherlight.graph.passes.fold_batch_norm import fold_batch_norm
from featherlight.graph.passes.fold_constants import fold_constants
from featherlight.graph.passes.fold_pad import fold_pad
from featherlight.graph.passes.hard_swish import hard_swish
from featherlight.graph.passes.shuffle_unit import shuffle_unit
from featherlight.graph.passes.smooth_activations import smooth_activations

PASSES: tuple[Callable[[Graph], Graph], ...] = (
    drop_unused,  # first: later passes ask whether something else reads a tensor, and the dead do not count
    fold_constants,  # before all that ask for a constant weight or number
    drop_identity,  # before all that look at neighbours: a contiguous may stand between transpose and reshape
    channel_shuffle,
    drop_identity,  # again: a shuffle of one group is none, and may stand between a convolution and its batch norm
    fold_pad,
    fold_batch_norm,
    hard_swish,
    smooth_activations,
    shuffle_unit,  # after channel_shuffle, whose result it looks for
)


def canonical(graph: Graph) -> Graph:
    """The same network in the fewest canonical operations: what is compiled, counted as run, and compared.

    Same inputs, outputs in the same order with the same shapes; values equal up to the rounding of folded weights.
    Parameters change where batch norms fold, so count a network's parameters before.
    """
    for each in PASSES:
        graph = each(graph)
    return graph
