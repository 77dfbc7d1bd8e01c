"""Networks of a space drawn at random, and made from others: what every search does to get the next one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from featherlight.errors import BadInput
from featherlight.searching.space import Genes, Space
from featherlight.spec import Spec

TRIES = 10_000  # draws before a space is said to hold no network


def random_genes(space: Space, generator: np.random.Generator) -> Genes:
    """Any network of the space, each combination of options that fits together as likely as any other.

    Raises BadInput where none is found.
    """
    options = np.asarray([len(choice.options) for choice in space.choices])
    return _valid(space, lambda: tuple(int(each) for each in generator.integers(options)))


def mutated(space: Space, genes: Genes, generator: np.random.Generator, share: float = 0.1) -> Genes:
    """Another network of the space: each choice made anew with probability `share`, one of them at least.

    `genes` themselves where no other is valid.
    """
    options = [len(choice.options) for choice in space.choices]
    if not options:
        return genes

    def draw() -> Genes:
        chosen = generator.random(len(options)) < share
        chosen[generator.integers(len(options))] = True
        # Of the other options, so that the choice really changes.
        anew = [(gene + int(generator.integers(1, n))) % n for gene, n in zip(genes, options, strict=True)]
        return tuple(new if change else old for change, new, old in zip(chosen, anew, genes, strict=True))

    return _valid(space, draw, otherwise=genes)


def crossed(space: Space, one: Genes, other: Genes, generator: np.random.Generator) -> Genes:
    """A network of the space with each choice taken from either of two; `one` itself where no mixture is valid."""

    def draw() -> Genes:
        first = generator.random(len(one)) < 0.5
        return tuple(a if take else b for take, a, b in zip(first, one, other, strict=True))

    return _valid(space, draw, otherwise=one)


def network_of(space: Space, genes: Genes) -> Spec:
    """The Spec of genes that are known to be valid, as all are that are drawn here."""
    spec = space.spec(genes)
    assert spec is not None
    return spec


def _valid(space: Space, draw: Callable[[], Genes], otherwise: Genes | None = None) -> Genes:
    for _ in range(TRIES if otherwise is None else TRIES // 100):
        genes = draw()
        if space.spec(genes) is not None:
            return genes
    if otherwise is not None:
        return otherwise
    raise BadInput(
        f"none of {TRIES:,} networks drawn from the space {space.name} is valid: its widths, strides and kinds do not "
        "fit together; give its stages more options"
    )
