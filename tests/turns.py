"""What is too long for every run of the tests is met in turns, a part a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date


def todays(names: Iterable[str], days: int) -> list[str]:
    """Those whose turn it is: in as many days each comes once."""
    return sorted(names)[date.today().toordinal() % days :: days]
