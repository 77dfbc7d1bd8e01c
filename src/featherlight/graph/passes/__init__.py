"""Rewrites that bring a graph to canonical kinds: one pass a file, each a function `Graph -> Graph`."""

from featherlight.graph.passes.channel_shuffle import channel_shuffle
from featherlight.graph.passes.drop_identity import drop_identity
from featherlight.graph.passes.drop_unused import drop_unused
from featherlight.graph.passes.fold_batch_norm import fold_batch_norm
from featherlight.graph.passes.fold_constants import fold_constants
from featherlight.graph.passes.fold_pad import fold_pad
from featherlight.graph.passes.hard_swish import hard_swish
from featherlight.graph.passes.pipeline import PASSES, canonical
from featherlight.graph.passes.shuffle_unit import shuffle_unit
from featherlight.graph.passes.smooth_activations import smooth_activations

__all__ = [
    "PASSES",
    "canonical",
    "channel_shuffle",
    "drop_identity",
    "drop_unused",
    "fold_batch_norm",
    "fold_constants",
    "fold_pad",
    "hard_swish",
    "shuffle_unit",
    "smooth_activations",
]
