"""Drawing: networks that keep a budget, however few do, and a sentence where none does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featherlight.errors import BadInput
from featherlight.searching import Space, Stage, evolve, network_of, networks_within
from featherlight.searching.drawing import QUICKEST
from small_spaces import seconds, small_space, tiny_space


@settings(max_examples=8)
@given(st.floats(2e-3, 2e-2), st.integers(0, 1 << 30))
def test_networks_keep_the_budget_and_come_once(budget: float, seed: int) -> None:
    space = small_space()
    genes = networks_within(space, seconds, budget, 20, np.random.default_rng(seed), slowest=1.2)
    specs = [network_of(space, each) for each in genes]
    assert len(set(specs)) == len(specs) == 20
    assert all(QUICKEST * budget <= seconds(spec) <= 1.2 * budget for spec in specs)
    assert genes == networks_within(space, seconds, budget, 20, np.random.default_rng(seed), slowest=1.2)


def test_a_space_with_fewer_networks_gives_them_all() -> None:
    space = tiny_space()
    genes = networks_within(space, seconds, 1.0, 100, np.random.default_rng(0))
    times = [
        seconds(network_of(space, each)) for each in np.ndindex(*(len(choice.options) for choice in space.choices))
    ]
    assert len(genes) == sum(time >= QUICKEST * max(times) for time in times) > 3


def test_a_budget_that_nothing_keeps_names_the_nearest() -> None:
    space = tiny_space()
    quickest = min(seconds(network_of(space, (a, b, c))) for a in range(3) for b in range(2) for c in range(2))
    with pytest.raises(BadInput, match=rf"no network of the space tiny .* the nearest takes {quickest * 1e3:.3g} ms"):
        networks_within(space, seconds, quickest / 2, 5, np.random.default_rng(0))


def test_a_space_of_one_network_is_that_network() -> None:
    # A pool's strides are searched, and no other than these multiply to the total: some choices, and one network.
    without_choices = Stage((8,), (1,), (2,), kernels=(3,), expansions=(2,), squeeze_excite=(0,))
    with_choices = Stage((8,), (1,), (1, 2), kernels=(3,), expansions=(2,), squeeze_excite=(0,))
    for stage in (without_choices, with_choices):
        one = Space("one", (8,), (stage,), (2,), total_stride=4)
        [genes] = networks_within(one, lambda spec: 0.5, 1.0, 4, np.random.default_rng(0))
        assert [each.genes for each in evolve(one, lambda genes: 0.5, lambda spec: 0.5, 1.0, until=4)] == [genes]
        with pytest.raises(BadInput, match="the nearest takes"):
            networks_within(one, lambda spec: 2.0, 1.0, 4, np.random.default_rng(0))
