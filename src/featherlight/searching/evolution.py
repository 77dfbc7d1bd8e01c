"""Evolution: networks made of the best ones so far, each of which keeps the budget before it is judged.

Real et al. 2019 (Regularized Evolution) for the loop, Cai et al. 2020 (Once-for-All), section 3.4, for judging with
shared weights. Parents come from the best by merit and from the front of accuracy and time in equal parts, so that
what is found at the end is a front and not a point.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from featherlight.journal import Record
from featherlight.searching.drawing import Seconds, networks_within
from featherlight.searching.front import Found, front, reward
from featherlight.searching.space import Genes, Space
from featherlight.searching.variation import crossed, mutated, network_of
from featherlight.spec import Spec

POPULATION = 64  # networks drawn at random before the first has parents
PARENTS = 16  # of the best by merit
MUTATED = 0.5  # share of the children; the others are crossed of two parents
TRIES = 200  # children that may be too slow or known before the search is said to have nothing left to find

Accuracy: TypeAlias = Callable[[Genes], float]


def evolve(
    space: Space,
    accuracy: Accuracy,
    seconds: Seconds,
    budget: float,
    *,
    until: int,
    population: int = POPULATION,
    exponent: float | None = None,
    seed: int = 0,
    record: Record | None = None,
    judged: Callable[[Found], None] = lambda found: None,
) -> tuple[Found, ...]:
    """All networks that were judged, in order: `until` of them, or fewer where the space has no more.

    accuracy    of a network, from 0 to 1; asked once for each Spec
    seconds     that a network takes, which `budget` is held against
    population  networks drawn at random to begin with; with as many as `until`, this is random search
    exponent    of `front.reward`, which then makes the merit of a parent; None for accuracy alone
    record      where each judged network stands: a search begun again with the same arguments asks for none twice
    judged      is told of each

    The same seed gives the same search. Raises BadInput where no network keeps the budget.
    """
    generator = np.random.default_rng(seed)
    coming = list(networks_within(space, seconds, budget, min(population, until), generator))
    found: dict[Spec, Found] = {}
    before, since = 0.0, time.perf_counter()

    def new(genes: Genes) -> bool:
        spec = network_of(space, genes)
        return spec not in found and seconds(spec) <= budget

    def judge(genes: Genes) -> dict[str, Any]:
        exact, took = accuracy(genes), seconds(network_of(space, genes))
        return Found(genes, exact, took, before + time.perf_counter() - since).to_json()

    def merit(each: Found) -> float:
        return each.accuracy if exponent is None else reward(each.accuracy, each.seconds, budget, exponent)

    while len(found) < until:
        genes = coming.pop(0) if coming else child(space, _parents(tuple(found.values()), merit), new, generator)
        if genes is None:
            break
        key = "-".join(map(str, genes))
        event = judge(genes) if record is None else record.once("judged", partial(judge, genes), key=key)
        each = Found(genes, event["accuracy"], event["seconds"], event["at"])
        before, since = each.at, time.perf_counter()
        found[network_of(space, genes)] = each
        judged(each)
    return tuple(found.values())


def child(
    space: Space, parents: Sequence[Sequence[Genes]], new: Callable[[Genes], bool], generator: np.random.Generator
) -> Genes | None:
    """A network that is `new`, made of one or two of the parents, each group of which counts the same.

    None where many in a row are not.
    """

    def parent() -> Genes:
        some = parents[int(generator.integers(len(parents)))]
        return some[int(generator.integers(len(some)))]

    for _ in range(TRIES):
        if generator.random() < MUTATED:
            made = mutated(space, parent(), generator)
        else:
            made = crossed(space, parent(), parent(), generator)
        if new(made):
            return made
    return None


def _parents(found: Sequence[Found], merit: Callable[[Found], float]) -> tuple[tuple[Genes, ...], ...]:
    best = sorted(found, key=merit, reverse=True)[:PARENTS]
    return tuple(each.genes for each in best), tuple(each.genes for each in front(found))
