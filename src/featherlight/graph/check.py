"""What makes a graph well formed, checked."""

from __future__ import annotations

from featherlight.errors import BadInput
from featherlight.graph.ir import Graph, Tensor
from featherlight.graph.rules.shape import infer


def check(graph: Graph) -> Graph:
    """The graph itself, once it is known to be well formed.

    Every name is defined once and before it is read; every tensor is recorded with the shape and dtype that its
    constant has or its operation's shape rule gives; every output exists. Raises BadInput at the first breach.
    """
    _check_constants(graph)
    defined = set(graph.inputs) | graph.constants.keys()
    if len(defined) < len(graph.inputs) + len(graph.constants):
        raise BadInput("inputs and constants of a graph must have names of their own")
    for op in graph.ops:
        for name in op.inputs:
            if name not in defined:
                raise BadInput(f"{op} reads {name!r}, which must be defined before it")
        expected = infer(op, graph.tensors_in(op))
        if len(expected) != len(op.outputs):
            raise BadInput(f"{op} must define {len(expected)} tensors; got {len(op.outputs)} names")
        for name, tensor in zip(op.outputs, expected, strict=True):
            if name in defined:
                raise BadInput(f"{op} defines {name!r}, which must be defined only once")
            defined.add(name)
            _check_recorded(graph, str(op), name, tensor)
    if missing := [name for name in graph.outputs if name not in defined]:
        raise BadInput(f"outputs of a graph must be defined in it; {', '.join(map(repr, missing))} is not")
    if strays := sorted(graph.tensors.keys() ^ defined):
        raise BadInput(f"tensors of a graph must be those it defines; {', '.join(map(repr, strays))} stands alone")
    return graph


def _check_constants(graph: Graph) -> None:
    for name, value in graph.constants.items():
        _check_recorded(graph, "constant", name, Tensor(value.shape, value.dtype.name))


def _check_recorded(graph: Graph, what: str, name: str, expected: Tensor) -> None:
    recorded = graph.tensors.get(name)
    if recorded != expected:
        raise BadInput(f"{what} gives {name!r}, which must be recorded as {expected}; got {recorded}")
