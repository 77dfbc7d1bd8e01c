"""Evolution: the budget is kept, nothing is judged twice, the same seed is the same search, a killed one goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featherlight.errors import BadInput
from featherlight.journal import Journal, Record
from featherlight.searching import Found, Genes, evolve, network_of
from featherlight.searching.front import front
from small_spaces import seconds, small_space, tiny_space

SPACE = small_space()
WEIGHTS = np.random.default_rng(0).random(len(SPACE.choices))
BUDGET = 8e-3


def accuracy(genes: Genes) -> float:
    """As if some options were better than others, and size were worth something."""
    taken = np.asarray(genes) / [len(choice.options) - 1 for choice in SPACE.choices]
    return float(WEIGHTS @ taken / WEIGHTS.sum())


def timeless(found: tuple[Found, ...]) -> list[tuple[Genes, float, float]]:
    return [(each.genes, each.accuracy, each.seconds) for each in found]


@settings(max_examples=6)
@given(st.integers(0, 1 << 30), st.floats(3e-3, 2e-2), st.sampled_from([None, -0.07]))
def test_every_network_keeps_the_budget_and_is_judged_once(seed: int, budget: float, exponent: float | None) -> None:
    asked: list[Genes] = []

    def asking(genes: Genes) -> float:
        asked.append(genes)
        return accuracy(genes)

    found = evolve(SPACE, asking, seconds, budget, until=60, population=20, exponent=exponent, seed=seed)
    specs = [network_of(SPACE, each.genes) for each in found]
    assert len(set(specs)) == len(specs) == len(asked) == 60
    assert all(each.seconds == seconds(spec) <= budget for each, spec in zip(found, specs, strict=True))
    assert [each.at for each in found] == sorted(each.at for each in found)
    again = evolve(SPACE, accuracy, seconds, budget, until=60, population=20, exponent=exponent, seed=seed)
    assert timeless(again) == timeless(found)


def test_evolution_is_better_than_chance() -> None:
    def best(population: int) -> list[float]:
        searches = (
            evolve(SPACE, accuracy, seconds, BUDGET, until=150, population=population, seed=seed) for seed in range(5)
        )
        return [max(each.accuracy for each in found) for found in searches]

    evolved, drawn = best(30), best(150)
    assert np.mean(evolved) > np.mean(drawn) + np.std(drawn)


def test_a_reward_that_likes_quick_networks_finds_quicker_ones() -> None:
    def time_of_the_last(exponent: float | None) -> float:
        found = evolve(SPACE, accuracy, seconds, BUDGET, until=120, population=20, exponent=exponent)
        return float(np.mean([each.seconds for each in found[-40:]]))

    assert time_of_the_last(-1.0) < time_of_the_last(None)


def test_what_is_found_is_a_front() -> None:
    found = evolve(SPACE, accuracy, seconds, BUDGET, until=150, population=30)
    best = front(found)
    assert len(best) > 3
    assert best[0].seconds < 0.5 * BUDGET


def test_a_search_that_was_killed_goes_on_to_the_same_networks(tmp_path: Path) -> None:
    calls = 0

    def dying(genes: Genes) -> float:
        nonlocal calls
        calls += 1
        if calls == 25:
            raise KeyboardInterrupt
        return accuracy(genes)

    path = tmp_path / "journal.jsonl"
    with pytest.raises(KeyboardInterrupt):
        evolve(SPACE, dying, seconds, BUDGET, until=40, population=16, record=Record(Journal(path)))
    told: list[Found] = []
    found = evolve(
        SPACE, dying, seconds, BUDGET, until=40, population=16, record=Record(Journal(path)), judged=told.append
    )
    assert calls == 41  # the 24 before are not asked again
    assert tuple(told) == found
    assert timeless(found) == timeless(evolve(SPACE, accuracy, seconds, BUDGET, until=40, population=16))
    assert [each.at for each in found] == sorted(each.at for each in found)
    assert evolve(SPACE, dying, seconds, BUDGET, until=40, population=16, record=Record(Journal(path))) == found


def test_a_small_space_ends_the_search() -> None:
    found = evolve(tiny_space(), lambda genes: 0.5, seconds, 1.0, until=50)
    assert len(found) == 12


def test_a_budget_that_nothing_keeps_is_refused() -> None:
    with pytest.raises(BadInput, match="the nearest takes"):
        evolve(SPACE, accuracy, seconds, 1e-5, until=5)
