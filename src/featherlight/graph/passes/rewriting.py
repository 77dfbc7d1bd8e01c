"""What passes have in common: who makes a tensor, who reads it, and a graph put together again.

A pass goes over the operations once and gives each one, or another in its place that defines the same tensors. What
nobody reads after that goes by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from featherlight.graph.ir import Constant, Graph, Op, Tensor
from featherlight.graph.kinds import Activation, Multiply
from featherlight.graph.passes.drop_unused import drop_unused
from featherlight.graph.rules.shape import infer

Makers = dict[str, Op]


def makers(graph: Graph) -> Makers:
    """The operation that defines each tensor; inputs and constants have none."""
    return {name: op for op in graph.ops for name in op.outputs}


def read_once(graph: Graph) -> set[str]:
    """The tensors that exactly one operation reads, once, and that are no output: nobody misses them when it goes."""
    readings = Counter(name for op in graph.ops for name in op.inputs)
    readings.update(graph.outputs)
    return {name for name, times in readings.items() if times == 1}.difference(graph.outputs)


def recognised(graph: Graph, find: Callable[[Graph, Makers, Op], Op | None]) -> Graph:
    """The graph with what `find` gives in place of an operation, where it gives one.

    `find` is told who makes each tensor, by what was found before.
    """
    made = makers(graph)
    ops: list[Op] = []
    for op in graph.ops:
        ops.append(find(graph, made, op) or op)
        made[op.outputs[0]] = ops[-1]
    return rebuilt(graph, ops)


def number(graph: Graph, name: str) -> float | None:
    """The value of a constant whose elements are all equal; None for any other tensor."""
    value = graph.constants.get(name)
    if value is None or value.size == 0 or np.any(value != value.flat[0]):
        return None
    return float(value.flat[0])


def factors(op: Op) -> tuple[tuple[str, str], ...]:
    """The operands of a product, either one first; none of any other operation."""
    return (op.inputs, op.inputs[::-1]) if isinstance(op.kind, Multiply) else ()  # type: ignore[return-value]


def in_place_of(graph: Graph, op: Op, kind: Activation, x: str | None) -> Op | None:
    """The function of `x` where `op` is, if there is such an `x` and it has the shape of what `op` gives."""
    if x is None or graph.tensors[x] != graph.tensors[op.outputs[0]]:
        return None
    return Op(kind, (x,), op.outputs, op.origin)


def unused_name(name: str, taken: Iterable[str]) -> str:
    """`name`, or `name_1`, `name_2`, ... if it is taken."""
    unique, count = name, 0
    while unique in taken:
        count += 1
        unique = f"{name}_{count}"
    return unique


def rebuilt(
    graph: Graph,
    ops: Sequence[Op],
    *,
    constants: Mapping[str, Constant] | None = None,
    outputs: Sequence[str] | None = None,
) -> Graph:
    """The graph with other operations, perhaps new constants and outputs; shapes follow, what nobody reads goes."""
    known = graph.constants if constants is None else constants
    tensors = {name: Tensor(value.shape, value.dtype.name) for name, value in known.items()}
    tensors |= {name: graph.tensors[name] for name in graph.inputs}
    for op in ops:
        tensors.update(zip(op.outputs, infer(op, tuple(tensors[name] for name in op.inputs)), strict=True))
    outputs = graph.outputs if outputs is None else tuple(outputs)
    return drop_unused(replace(graph, ops=tuple(ops), outputs=outputs, tensors=tensors, constants=known))
