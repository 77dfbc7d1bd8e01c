"""What an engine does while it runs a network, step by step, as its own profiler tells it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from featherlight.graph import Graph, Op, kinds

WARM_UP = 3  # calls before those that count

# What engines compute while they write a convolution's result, and then give no name of its own.
EPILOGUE = (
    *(kinds.BatchNorm, kinds.Activation, kinds.Clip),
    *(kinds.Add, kinds.Subtract, kinds.Multiply, kinds.Divide),
)


@dataclass(frozen=True, slots=True)
class Step:
    """What an engine runs as one: several operations of the network, or none (a change of layout).

    name, kind  as the engine calls them
    ops         operations of the source's graph that it computes, in the graph's order; no operation is in two steps
    seconds     the median over the traced calls
    """

    name: str
    kind: str
    ops: tuple[Op, ...]
    seconds: float


def cover(graph: Graph, results: Sequence[Collection[str]]) -> tuple[tuple[Op, ...], ...]:
    """The operations that each step of an engine computes, told by the tensors that it is known to give.

    `results` holds these for each step, in the order in which steps run; none where the engine does not say. Engines
    merge operations but keep the names of the tensors that they still make. So a step computes what its tensors depend
    on and no earlier step computed, and element-wise operations right after that, if no step is known to give theirs.
    """
    maker = {name: at for at, op in enumerate(graph.ops) for name in op.outputs}
    named = frozenset(name for names in results for name in names)
    done: set[int] = set()
    covered = []
    for names in results:
        mine = set(_before(graph, maker, names, done))
        mine.update(_after(graph, maker, mine, done, named))
        covered.append(tuple(graph.ops[at] for at in sorted(mine)))
    return tuple(covered)


def _before(graph: Graph, maker: dict[str, int], names: Collection[str], done: set[int]) -> Iterator[int]:
    """Where the operations stand that `names` depend on, those already done left out."""
    waiting = list(names)
    while waiting:
        at = maker.get(waiting.pop())
        if at is not None and at not in done:
            done.add(at)
            waiting += graph.ops[at].inputs
            yield at


def _after(graph: Graph, maker: dict[str, int], mine: set[int], done: set[int], named: frozenset[str]) -> Iterator[int]:
    """Where the element-wise operations stand that can follow at once and are nobody else's."""
    reach = set(mine)
    for at in range(min(mine, default=len(graph.ops)), len(graph.ops)):
        op = graph.ops[at]
        if at in done or not isinstance(op.kind, EPILOGUE) or named.intersection(op.outputs):
            continue
        makers = {maker[name] for name in op.inputs if name in maker}
        if makers & reach and makers <= done:
            done.add(at)
            reach.add(at)
            yield at
