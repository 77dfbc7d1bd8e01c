"""A time budget as people write it."""

from __future__ import annotations

import math
import re

from featherlight.errors import must_be

_IN_A_SECOND = {"us": 1e6, "ms": 1e3, "s": 1.0}  # to divide by: 9 * 1e-3 is not 0.009


def parse_budget(text: str) -> float:
    """The seconds in "2ms", "800us" or "0.1 s"; raises BadInput for anything else, and for none."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(us|ms|s)\s*", text)
    seconds = float(match[1]) / _IN_A_SECOND[match[2]] if match else math.nan
    if not 0 < seconds < math.inf:
        raise must_be("budget", "a time above 0 such as 2ms, 800us or 0.1s", text)
    return seconds


def show_time(seconds: float) -> str:
    """Seconds as people read them, with three digits: "0.213 ms", "1.5 s"."""
    number, unit = (seconds, "s") if seconds >= 1 else (seconds * 1e3, "ms")
    return f"{float(f'{number:.3g}'):g} {unit}"  # rounded first: "%.3g" alone writes 1000 as 1e+03
