from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.errors import BadInput
from featherlight.timing.budget import parse_budget, show_time


@pytest.mark.parametrize(
    ("text", "seconds"), [("2ms", 2e-3), ("9ms", 9e-3), ("800us", 8e-4), ("0.1s", 0.1), (" .5 ms ", 5e-4), ("1.s", 1.0)]
)
def test_a_budget_is_a_number_with_its_unit(text: str, seconds: float) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "ms", "2 m s", "-1ms", "0ms", "2min", "1e3ms", "2ms!", "nan ms"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"budget must be a time above 0 such as 2ms, 800us or 0\.1s; got "):
        parse_budget(text)


@given(st.floats(1e-6, 1e3))
def test_what_is_shown_is_what_is_meant(seconds: float) -> None:
    assert parse_budget(show_time(seconds)) == pytest.approx(seconds, rel=5e-3)
