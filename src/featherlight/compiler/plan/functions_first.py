"""A function of joined maps becomes the functions of each: whoever computes one of them applies it while writing."""

from __future__ import annotations

from dataclasses import replace

from featherlight.graph import Graph, Op, Tensor, kinds

FUNCTIONS = (kinds.Activation, kinds.Clip)


def functions_first(graph: Graph) -> Graph:
    """The graph in which no function of each element follows a concatenation that nothing else reads.

    a, b -> concat -> relu -> y        a -> relu, b -> relu -> concat -> y
    """
    readers: dict[str, list[Op]] = {}
    for op in graph.ops:
        for name in op.inputs:
            readers.setdefault(name, []).append(op)
    moved = {
        op.outputs[0]: readers[op.outputs[0]][0]
        for op in graph.ops
        if isinstance(op.kind, kinds.Concat)
        and op.outputs[0] not in graph.outputs
        and len(readers.get(op.outputs[0], [])) == 1
        and isinstance(readers[op.outputs[0]][0].kind, FUNCTIONS)
    }
    ops: list[Op] = []
    tensors: dict[str, Tensor] = dict(graph.tensors)
    dropped = {id(function) for function in moved.values()}
    for op in graph.ops:
        if id(op) in dropped:
            continue
        if op.outputs[0] not in moved:
            ops.append(op)
            continue
        function, names = moved[op.outputs[0]], []
        for number, name in enumerate(op.inputs):
            names.append(f"{function.outputs[0]}:{number}")
            tensors[names[-1]] = tensors[name]
            ops.append(replace(function, inputs=(name,), outputs=(names[-1],)))
        ops.append(replace(op, inputs=tuple(names), outputs=function.outputs))
    return replace(graph, ops=tuple(ops), tensors=tensors)
