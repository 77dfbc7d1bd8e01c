"""The 68 public implementations compiled, some each day; `python tests/conformance.py` compiles them all."""

from __future__ import annotations

import pytest

from goldens import counts
from implementations import distances
from turns import todays


@pytest.mark.parametrize("name", todays(counts(), days=23))
def test_compiled_it_answers_as_torch_and_as_the_public_one(name: str) -> None:
    found = distances(name)
    assert found.torch <= 1e-4
    assert found.public <= 1e-4
