"""How a download comes along, on the terminal."""

from __future__ import annotations

import sys


def show_download(here: int, total: int | None) -> None:
    """One line that is written over and over, where standard error is a terminal."""
    if sys.stderr.isatty():
        of = f" of {total / 1e6:.1f}" if total else ""
        print(f"\rdownloading {here / 1e6:.1f}{of} MB", end="\n" if here == total else "", file=sys.stderr, flush=True)
