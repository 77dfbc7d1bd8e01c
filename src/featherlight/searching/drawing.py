"""Networks of a space that take about as long as a budget: what studies draw and a supernet is trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from featherlight.errors import BadInput
from featherlight.searching.space import Genes, Space
from featherlight.searching.variation import mutated, network_of, random_genes
from featherlight.spec import Spec
from featherlight.timing.budget import show_time

Seconds: TypeAlias = Callable[[Spec], float]
"""How long a network takes for an image."""

QUICKEST = 0.3  # of the budget: networks much quicker than it hardly win

PER_WALK = 8  # networks of a random walk, before another is begun elsewhere
CHANGED = 0.2  # share of the choices that a step of the walk makes anew
TRIES = 400  # steps that a walk may take to its first network, and in all for the others


def networks_within(
    space: Space, seconds: Seconds, budget: float, count: int, generator: np.random.Generator, *, slowest: float = 1.0
) -> tuple[Genes, ...]:
    """`count` networks that take from QUICKEST to `slowest` times the budget, in seconds; no two are the same Spec.

    Fewer where the space seems to have no more; where it has none so slow, QUICKEST is of the slowest seen. Networks
    that keep a tight budget are too rare to be waited for: a random one is changed until it keeps it, and a random walk
    goes on from there. Raises BadInput, with the nearest that was seen, where none is found.
    """
    found: dict[Spec, Genes] = {}
    while (known := len(found)) < count:
        try:
            genes = _keeping(space, seconds, budget, generator)
        except BadInput:
            if found:
                break
            raise
        spec = network_of(space, genes)
        slow = seconds(spec)
        least, most = QUICKEST * (budget if slow >= QUICKEST * budget else slow), slowest * budget
        found.setdefault(spec, genes)
        for _ in range(TRIES):
            if len(found) >= min(known + PER_WALK, count):
                break
            changed = mutated(space, genes, generator, CHANGED)
            spec = network_of(space, changed)
            if least <= seconds(spec) <= most:
                genes = found.setdefault(spec, changed)
        if len(found) == known:
            break
    return tuple(found.values())


def _keeping(space: Space, seconds: Seconds, budget: float, generator: np.random.Generator) -> Genes:
    """A network near the budget that keeps it: a random one, changed until it does and never away from it."""

    def away(time: float) -> float:
        return max(time / budget, QUICKEST * budget / time)

    genes = random_genes(space, generator)
    time = seconds(network_of(space, genes))
    for _ in range(TRIES):
        if QUICKEST * budget <= time <= budget:
            break
        changed = mutated(space, genes, generator)
        other = seconds(network_of(space, changed))
        if away(other) <= away(time):
            genes, time = changed, other
    if time <= budget:
        return genes
    rows = ", ".join(row.kind for row in network_of(space, genes).rows)
    raise BadInput(
        f"no network of the space {space.name} was found that keeps {show_time(budget)}: the nearest takes "
        f"{show_time(time)} ({rows}); allow that much, or name another space"
    )
