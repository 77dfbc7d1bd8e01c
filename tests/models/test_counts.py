from __future__ import annotations

import pytest

from featherlight.cost import count
from featherlight.graph import from_spec
from featherlight.models import Counts, counts, entry, list_models


@pytest.mark.parametrize("name", list_models())
def test_the_generated_counts_are_what_the_graph_counts(name: str) -> None:
    size = entry(name).size
    cost = count(from_spec(entry(name).build(), (1, 3, size, size)))  # as traced: tests/graph/test_read_spec.py
    assert counts(name) == Counts(cost.parameters, cost.multiply_adds), "run `make counts`"
