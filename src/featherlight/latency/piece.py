"""A network cut into pieces: what an engine runs as one, named by what it computes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from featherlight.cost import count
from featherlight.graph import Graph, Op, Tensor, canonical, kinds
from featherlight.graph.kinds import label

# Another name for the same memory: no engine spends time on them.
FREE = (kinds.Reshape, kinds.Identity)

# What engines apply to a result before they write it down.
FOLDED_IN = (kinds.Activation, kinds.Clip)
FOLD_INTO = (kinds.Convolution, kinds.Linear, kinds.BatchNorm, kinds.Add)


@dataclass(frozen=True, eq=False)
class Piece:
    """Operations that run as one, cut out of a network.

    graph  they alone; inputs are the maps they read, and the weights are zeros, since no time hangs on them
    key    what is computed, kinds and shapes, and never where: equal keys take equal time
    kind   what a sentence calls it, such as "depthwise convolution 3x3"
    reads  the network's names of the maps that are the inputs, `writes` of the outputs
    """

    graph: Graph
    key: str
    kind: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    @property
    def multiply_adds(self) -> int:
        """As `cost.count` counts them."""
        return count(self.graph).multiply_adds

    @property
    def bytes_moved(self) -> int:
        """Of the maps read and written and of the weights, each once: what is between the operations is not moved."""
        outer = (*self.graph.inputs, *self.graph.constants, *self.graph.outputs)
        return sum(self.graph.tensors[name].elements * 4 for name in outer)


def pieces(graph: Graph) -> tuple[Piece, ...]:
    """The pieces of a network, in its order.

    Batch norm is folded first (`graph.canonical`). A convolution takes the sum that alone reads it along, where the
    other summand is there before it, and the activation after that; so does a linear layer its activation. Everything
    else is a piece by itself, and what only gives memory another shape is none.
    """
    graph = canonical(graph)
    memory: dict[str, str] = {}  # of a map under another shape
    for op in graph.ops:
        if isinstance(op.kind, FREE):
            memory[op.outputs[0]] = memory.get(op.inputs[0], op.inputs[0])
    return tuple(_cut(graph, ops, memory) for ops in _grouped(graph))


def _grouped(graph: Graph) -> Iterator[list[Op]]:
    readings = Counter([*(name for op in graph.ops for name in op.inputs), *graph.outputs])
    reader = {name: op for op in graph.ops for name in op.inputs}
    place = {name: at for at, op in enumerate(graph.ops) for name in op.outputs}
    taken: set[str] = set()  # by the first output of an operation

    def next_alone(op: Op) -> Op | None:
        """The operation that reads the result, if no other does."""
        name = op.outputs[0]
        return reader.get(name) if len(op.outputs) == 1 and readings[name] == 1 else None

    for at, op in enumerate(graph.ops):
        if op.outputs[0] in taken or isinstance(op.kind, FREE):
            continue
        ops = [op]
        after = next_alone(op)
        if isinstance(op.kind, kinds.Convolution) and after is not None and isinstance(after.kind, kinds.Add):
            others = [name for name in after.inputs if name != op.outputs[0]]
            if others and others[0] not in graph.constants and place.get(others[0], -1) < at:
                ops.append(after)
                after = next_alone(after)
        if isinstance(op.kind, FOLD_INTO) and after is not None and isinstance(after.kind, FOLDED_IN):
            ops.append(after)
        taken.update(each.outputs[0] for each in ops)
        yield ops


def _cut(graph: Graph, ops: Sequence[Op], memory: dict[str, str]) -> Piece:
    """The operations as a graph of their own, whose names tell nothing of where they stood."""
    inner = {name for op in ops for name in op.outputs}
    outer = list(dict.fromkeys(name for op in ops for name in op.inputs if name not in inner))
    names = {name: f"x{at}" for at, name in enumerate(outer)}
    names |= {name: f"y{at}" for at, name in enumerate(name for op in ops for name in op.outputs)}
    tensors: dict[str, Tensor] = {names[name]: graph.tensors[name] for name in names}
    zero = np.zeros((), np.float32)
    alone = Graph(
        ops=tuple(Op(op.kind, _all(names, op.inputs), _all(names, op.outputs), "piece") for op in ops),
        inputs=tuple(names[name] for name in outer if name not in graph.constants),
        outputs=_all(names, ops[-1].outputs),
        tensors=tensors,
        constants={names[name]: np.broadcast_to(zero, graph.tensors[name].shape) for name in outer
                   if name in graph.constants},
    )  # fmt: skip
    reads = tuple(memory.get(name, name) for name in outer if name not in graph.constants)
    return Piece(alone, _key(alone), _kind(alone), reads, ops[-1].outputs)


def _all(names: dict[str, str], some: Sequence[str]) -> tuple[str, ...]:
    return tuple(names[name] for name in some)


def _key(graph: Graph) -> str:
    """Such as "Convolution(stride=(1, 1), ...) Activation(function='relu6'): 1x32x56x56 *16x32x1x1 > 1x16x56x56"."""
    read = [f"{'*' if name in graph.constants else ''}{_shape(graph, name)}" for name in graph.tensors
            if name in graph.inputs or name in graph.constants]  # fmt: skip
    done = " ".join(f"{op.kind!r}({','.join(op.inputs)})" for op in graph.ops)
    return f"{done}: {' '.join(read)} > {' '.join(_shape(graph, name) for name in graph.outputs)}"


def _shape(graph: Graph, name: str) -> str:
    return "x".join(map(str, graph.tensors[name].shape))


def _kind(graph: Graph) -> str:
    head = graph.ops[0]
    if not isinstance(head.kind, kinds.Convolution):
        return label(head.kind)
    weight = graph.tensors[head.inputs[1]].shape
    groups = head.kind.groups
    sort = "" if groups == 1 else "depthwise " if groups == weight[0] else "grouped "
    return f"{sort}convolution {weight[2]}x{weight[3]}"
