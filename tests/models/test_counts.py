from __future__ import annotations

import pytest

from featherlight.cost import count
from featherlight.graph import from_torch
from featherlight.layers import Network
from featherlight.models import Counts, counts, entry, list_models


@pytest.mark.parametrize("name", list_models())
def test_the_generated_counts_are_what_the_graph_counts(name: str) -> None:
    size = entry(name).size
    cost = count(from_torch(Network(entry(name).build()).eval(), (1, 3, size, size)))
    assert counts(name) == Counts(cost.parameters, cost.multiply_adds), "run `make counts`"
