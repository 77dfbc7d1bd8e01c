"""Draws: of the space, the same for the same trials, and better with what was learned."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from featherlight.searching import SPACES, Genes, read_space
from featherlight.searching.study.attempts import DIED, LOST, REFUSED, SPEC
from featherlight.searching.study.sampling import Draws, distributions, genes_of, named
from featherlight.searching.study.search import Sampler
from small_search import SPACE


def trial(number: int, network: int, genes: Genes, value: float, **changes: str) -> FrozenTrial:
    made = create_trial(
        state=TrialState.FAIL if changes else TrialState.COMPLETE,
        value=None if changes else value,
        params=named(SPACE, genes),
        distributions=distributions(SPACE),
        user_attrs={SPEC: str(network), **changes},
    )
    made.number = number
    return made


def worth(genes: Genes) -> float:
    return genes[3] + genes[7]


def drawn(sampler: Sampler, count: int, seed: int, stream: int = 0, accidents: bool = False) -> list[FrozenTrial]:
    """A search whose value is the index of two options; with a lost trial before each finished one, if so wanted."""
    draws, known = Draws(SPACE, sampler, seed, stream), list[FrozenTrial]()
    for network in range(count):
        genes = draws.next(known, 0)
        if accidents:
            known.append(trial(len(known), network, genes, 0, **{LOST: DIED}))
            draws = Draws(SPACE, sampler, seed, stream)
        known.append(trial(len(known), network, genes, worth(genes)))
    return [each for each in known if each.state is TrialState.COMPLETE]


@settings(max_examples=20)
@given(st.sampled_from(("tpe", "random")), st.integers(0, 1 << 30))
def test_the_same_trials_give_the_same_draw_whatever_was_lost_before(sampler: Sampler, seed: int) -> None:
    plain = [genes_of(SPACE, each) for each in drawn(sampler, 14, seed)]
    assert plain == [genes_of(SPACE, each) for each in drawn(sampler, 14, seed, accidents=True)]
    assert plain != [genes_of(SPACE, each) for each in drawn(sampler, 14, seed, stream=1)]
    assert all(gene < len(choice.options) for genes in plain for gene, choice in zip(genes, SPACE.choices, strict=True))


def test_tpe_learns() -> None:
    learned, random = (sum(worth(genes_of(SPACE, each)) for each in drawn(s, 60, 0)[30:]) for s in ("tpe", "random"))
    assert learned > 1.3 * random


def test_tpe_learns_the_budget() -> None:
    draws, known, over = Draws(SPACE, "tpe", 0, 0), list[FrozenTrial](), list[bool]()
    for number in range(60):
        genes = draws.next(known, 0)
        over.append(genes[3] > 0)
        made = create_trial(
            state=TrialState.PRUNED if over[-1] else TrialState.COMPLETE,
            value=None if over[-1] else 0.5,
            params=named(SPACE, genes),
            distributions=distributions(SPACE),
            user_attrs={REFUSED: "over the budget"} if over[-1] else {SPEC: str(number)},
            constraints={"budget": float(genes[3])} if over[-1] else None,
        )
        made.number = number
        known.append(made)
    assert sum(over[40:]) < sum(over[:20])


def test_random_draws_are_valid() -> None:
    draws = Draws(SPACE, "random", 0, 0)
    genes = [draws.next([], missed) for missed in range(20)]
    assert all(SPACE.spec(each) is not None for each in genes)
    assert len(set(genes)) > 10


@pytest.mark.parametrize("name", sorted(SPACES))
def test_numbers_have_neighbours_and_words_have_none(name: str) -> None:
    space = read_space(name, 28)
    known = distributions(space)
    for choice in space.choices:
        ordered = isinstance(choice.options[0], int) and len(choice.options) > 2
        assert isinstance(known[choice.name], IntDistribution if ordered else CategoricalDistribution), choice
