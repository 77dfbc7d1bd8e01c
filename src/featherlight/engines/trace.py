"""What an engine does while it runs a network, step by step, as its own profiler tells it."""

from __future__ import annotations

from dataclasses import dataclass

from featherlight.graph import Op


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
