"""The plan of a graph: which operation is laid out and computed how."""

from __future__ import annotations

from collections.abc import Mapping

from featherlight.compiler.code import Vectors
from featherlight.compiler.plan import convolution, maps, views
from featherlight.compiler.plan.functions_first import functions_first
from featherlight.compiler.plan.planner import Handler, Planner
from featherlight.compiler.plan.step import Plan
from featherlight.graph import Graph, kinds

HANDLERS: Mapping[type[kinds.Kind], Handler] = {
    kinds.Convolution: convolution.convolution,
    kinds.Linear: convolution.linear,
    kinds.Activation: maps.activation,
    kinds.Clip: maps.activation,
    kinds.Add: maps.two_maps,
    kinds.Subtract: maps.two_maps,
    kinds.Multiply: maps.two_maps,
    kinds.Divide: maps.two_maps,
    kinds.MaxPool: maps.pool,
    kinds.AveragePool: maps.pool,
    kinds.Mean: maps.mean,
    kinds.Split: views.split,
    kinds.Slice: views.slice_,
    kinds.Concat: views.concat,
    kinds.ChannelShuffle: views.shuffle,
    kinds.ConcatShuffleSplit: views.concat_shuffle_split,
    kinds.Reshape: views.reshape,
    kinds.Identity: views.identity,
}


def plan(graph: Graph, vectors: Vectors, *, fuse: bool = True) -> Plan:
    """The steps that compute a canonical graph; without `fuse` each operation is a step of its own.

    Raises BadInput for an operation that no kernel computes.
    """
    return Planner(functions_first(graph) if fuse else graph, vectors, fuse).plan(HANDLERS)
