"""How much memory a network takes while it runs: its weights, and the activations that are alive at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from featherlight.graph import Graph, Op, kinds

# Another name for the same memory.
VIEWS: tuple[type[kinds.Kind], ...] = (kinds.Identity, kinds.Reshape)

# These read each element once, where they then write it: over their input, if nobody needs that any more. Every engine
# does it, or folds them into the convolution before.
IN_PLACE: tuple[type[kinds.Kind], ...] = (
    *(kinds.BatchNorm, kinds.Activation, kinds.Clip),
    *(kinds.Add, kinds.Subtract, kinds.Multiply, kinds.Divide),
)


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: of the weights, and of the activations at the moment when most of them are alive, during `at`."""

    weights: int
    activations: int
    at: Op | None

    @property
    def total(self) -> int:
        """What must fit at once."""
        return self.weights + self.activations


def memory(graph: Graph) -> Memory:
    """What running `graph`, operation by operation in its order, keeps in memory at its fullest moment.

    - weights: every constant once, statistics included; they stay for as long as the network does.
    - activations: a tensor is alive from the operation that defines it (an input from the start) to the last one that
      reads it (an output to the end). During an operation its inputs and its outputs are both alive. A view (reshape,
      identity) is the tensor that it looks at. Element-wise operations write over an input of the same size that
      nobody reads later.

    What an engine takes on top (packed weights, scratch of its convolutions, its own code) is not in it: a bound from
    below, and close to what a microcontroller's runtime plans (Chowdhery et al. 2019 count the same for its arena).
    """
    storage = _storage(graph)
    last = {storage[name]: at for at, op in enumerate(graph.ops) for name in op.inputs if name in storage}
    last |= {storage[name]: len(graph.ops) for name in graph.outputs if name in storage}
    alive = {name: _bytes(graph, name) for name in graph.inputs}
    fullest, moment = sum(alive.values()), None
    for at, op in enumerate(graph.ops):
        defined = {name: _bytes(graph, name) for name in op.outputs if storage[name] == name}
        over = _written_over(graph, op, at, storage, last) if isinstance(op.kind, IN_PLACE) else None
        if over is not None:
            del alive[over]
        alive |= defined
        if (total := sum(alive.values())) > fullest:
            fullest, moment = total, op
        alive = {name: size for name, size in alive.items() if last.get(name, -1) > at}
    weights = sum(_bytes(graph, name) for name in graph.constants)
    return Memory(weights, fullest, moment)


def _storage(graph: Graph) -> dict[str, str]:
    """Which tensor's memory each activation lies in: its own, unless it is a view."""
    storage = {name: name for name in graph.inputs}
    for op in graph.ops:
        view = isinstance(op.kind, VIEWS) and op.inputs[0] in storage
        storage |= {name: storage[op.inputs[0]] if view else name for name in op.outputs}
    return storage


def _written_over(graph: Graph, op: Op, at: int, storage: dict[str, str], last: dict[str, int]) -> str | None:
    """The tensor in whose place the output comes: an input of its size that is read here for the last time."""
    size = _bytes(graph, op.outputs[0])
    mine = (storage[name] for name in op.inputs if name in storage)
    return next((name for name in mine if last[name] == at and _bytes(graph, name) == size), None)


def _bytes(graph: Graph, name: str) -> int:
    tensor = graph.tensors[name]
    return tensor.elements * np.dtype(tensor.dtype).itemsize
