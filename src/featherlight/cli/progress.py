"""How long work comes along, on the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def show_download(here: int, total: int | None) -> None:
    """One line that is written over and over, where standard error is a terminal."""
    if sys.stderr.isatty():
        of = f" of {total / 1e6:.1f}" if total else ""
        print(f"\rdownloading {here / 1e6:.1f}{of} MB", end="\n" if here == total else "", file=sys.stderr, flush=True)


EVERY = 10.0  # seconds between two lines, where lines cannot be written over


def show_stages(clock: Callable[[], float] = time.monotonic) -> Callable[[str, float], None]:
    """Tells of work in stages: what is being done, its share, and the time that is left of the stage.

    One line that is written over and over where standard error is a terminal, a line every ten seconds elsewhere.
    """
    stage, began, told = "", clock(), -EVERY

    def show(doing: str, share: float) -> None:
        nonlocal stage, began, told
        now = clock()
        terminal = sys.stderr.isatty()
        if doing != stage:
            stage, began = doing, now
        elif now - told < (0.1 if terminal else EVERY) and share < 1:
            return
        told = now
        left = f", {_duration((now - began) * (1 - share) / share)} left" if 0 < share < 1 else ""
        line = f"{doing} {share:.0%}{left}"
        print(
            f"\r{line:40}" if terminal else line,
            end="" if terminal and share < 1 else "\n",
            file=sys.stderr,
            flush=True,
        )

    return show


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
