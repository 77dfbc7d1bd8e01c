"""A word on progress every few seconds, however often something is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ParamSpec

EVERY = 10.0  # seconds

P = ParamSpec("P")


def now_and_then(tell: Callable[P, object]) -> Callable[P, None]:
    """`tell`, but silent for the next few seconds: after this call, and after each time that it told something."""
    told = time.monotonic()

    def seldom(*arguments: P.args, **named: P.kwargs) -> None:
        nonlocal told
        if time.monotonic() - told >= EVERY:
            told = time.monotonic()
            tell(*arguments, **named)

    return seldom
