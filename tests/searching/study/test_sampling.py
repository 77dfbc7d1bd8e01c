"""Draws: of the space, the same for the same trials, and better with what was learned."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from featherlight.searching import SPACES, Genes, network_of, read_space
from featherlight.searching.hand_made import hand_made
from featherlight.searching.study.attempts import DIED, LOST, REFUSED, SPEC
from featherlight.searching.study.judge import digest_of
from featherlight.searching.study.sampling import Draws, distributions, genes_of, named
from featherlight.searching.study.search import Sampler
from small_search import BUDGET, SPACE, clock, search


def trial(number: int, genes: Genes, value: float, **changes: str) -> FrozenTrial:
    made = create_trial(
        state=TrialState.FAIL if changes else TrialState.COMPLETE,
        value=None if changes else value,
        intermediate_values={100: value},
        params=named(SPACE, genes),
        distributions=distributions(SPACE),
        user_attrs={SPEC: digest(genes), **changes},
    )
    made.number = number
    return made


def digest(genes: Genes) -> str:
    spec = SPACE.spec(genes)
    return "none" if spec is None else digest_of(spec)


def worth(genes: Genes) -> float:
    return genes[3] + genes[7]


def drawn(sampler: Sampler, count: int, seed: int, stream: int = 0, accidents: bool = False) -> list[FrozenTrial]:
    """A search whose value is the index of two options; with a lost trial before each finished one, if so wanted."""
    asked = search(sampler=sampler, seed=seed)
    draws, known = Draws(asked, stream), list[FrozenTrial]()
    for _ in range(count):
        genes = draws.next(known, 0)
        if accidents:
            known.append(trial(len(known), genes, 0, **{LOST: DIED}))
            draws = Draws(asked, stream)
        known.append(trial(len(known), genes, worth(genes)))
    return [each for each in known if each.state is TrialState.COMPLETE]


@settings(max_examples=20)
@given(st.sampled_from(("evolution", "tpe", "random")), st.integers(0, 1 << 30))
def test_the_same_trials_give_the_same_draw_whatever_was_lost_before(sampler: Sampler, seed: int) -> None:
    plain = [genes_of(SPACE, each) for each in drawn(sampler, 18, seed)]
    assert plain == [genes_of(SPACE, each) for each in drawn(sampler, 18, seed, accidents=True)]
    assert plain != [genes_of(SPACE, each) for each in drawn(sampler, 18, seed, stream=1)]
    assert all(gene < len(choice.options) for genes in plain for gene, choice in zip(genes, SPACE.choices, strict=True))


@pytest.mark.parametrize("sampler", ["evolution", "tpe"])
def test_it_learns(sampler: Sampler) -> None:
    learned, random = (sum(worth(genes_of(SPACE, each)) for each in drawn(s, 60, 0)[30:]) for s in (sampler, "random"))
    assert learned > 1.3 * random


def test_tpe_learns_the_budget() -> None:
    draws, known, over = Draws(search(sampler="tpe", seed=0), 0), list[FrozenTrial](), list[bool]()
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


@pytest.mark.parametrize("sampler", ["evolution", "random"])
def test_what_is_not_told_of_the_budget_keeps_it(sampler: Sampler) -> None:
    genes = [genes_of(SPACE, each) for each in drawn(sampler, 40, 0)]
    assert all(clock(network_of(SPACE, each)) <= BUDGET for each in genes)
    assert len(set(genes)) > 10


@pytest.mark.parametrize(("sampler", "begins"), [("evolution", True), ("tpe", True), ("random", False)])
def test_what_learns_begins_with_the_likes_of_hand_made_networks(sampler: Sampler, begins: bool) -> None:
    space = read_space("light", 28)
    asked = search(space=space, sampler=sampler, budget=0.5)
    first = Draws(asked, 0).next([], 0)
    assert (first in hand_made(space, clock, 0.5)) == begins


@pytest.mark.parametrize("name", sorted(SPACES))
def test_numbers_have_neighbours_and_words_have_none(name: str) -> None:
    space = read_space(name, 28)
    known = distributions(space)
    for choice in space.choices:
        ordered = isinstance(choice.options[0], int) and len(choice.options) > 2
        assert isinstance(known[choice.name], IntDistribution if ordered else CategoricalDistribution), choice
