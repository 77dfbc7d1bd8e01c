"""What no output depends on goes."""

from __future__ import annotations

from dataclasses import replace

from featherlight.graph.ir import Graph, Op


def drop_unused(graph: Graph) -> Graph:
    """The graph without operations and constants that no output depends on.

        x -- relu -- y (output)             x -- relu -- y (output)
        |
        `--- tanh -- z            becomes

    Does not apply to the graph's inputs, which a caller goes on giving, nor to an operation of which one output is
    read and another is not.
    """
    needed = set(graph.outputs)
    kept: list[Op] = []
    for op in reversed(graph.ops):
        if needed.intersection(op.outputs):
            kept.append(op)
            needed.update(op.inputs)
    constants = {name: value for name, value in graph.constants.items() if name in needed}
    defined = {*graph.inputs, *constants, *(name for op in kept for name in op.outputs)}
    return replace(
        graph,
        ops=tuple(reversed(kept)),
        tensors={name: tensor for name, tensor in graph.tensors.items() if name in defined},
        constants=constants,
    )
