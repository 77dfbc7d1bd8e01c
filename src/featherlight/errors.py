"""The errors Featherlight raises, and the one shape of their sentences.

    FeatherlightError
    |- BadInput (also a ValueError)      what the user gave cannot be used: exit code 2
    |- DiskFull (also an OSError)        there is no room for what is to be written: exit code 2
    `- Failure  (also a RuntimeError)    something that should hold did not: exit code 1

A sentence names the thing, what is allowed, and what came:
``width must be a number above 0; got -1``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FeatherlightError(Exception):
    """Base of every error raised on purpose; its text is one sentence for a person."""

    exit_code = 1


class BadInput(FeatherlightError, ValueError):
    """What the user gave cannot be used; the sentence names it and the mend."""

    exit_code = 2


class DiskFull(FeatherlightError, OSError):
    """There is no room for what is to be written; the user can free some, and nothing that was there is lost."""

    exit_code = 2


class Failure(FeatherlightError, RuntimeError):
    """Something that should hold did not, through no fault of the input."""

    exit_code = 1


def must_be(what: str, allowed: str, got: object) -> BadInput:
    """The error ``what must be allowed; got ...``, to be raised by the caller."""
    return BadInput(f"{what} must be {allowed}; got {got!r}")


def unknown(what: str, got: str, known: Iterable[str]) -> BadInput:
    """The error for a name that is not among `known`; it answers with the nearest ones."""
    names = list(known)
    near = (
        difflib.get_close_matches(got, names, n=3, cutoff=0.5)
        or sorted(names, key=lambda name: -difflib.SequenceMatcher(None, got, name).ratio())[:3]
    )
    return BadInput(f"{what} must be a known name; got {got!r} (nearest: {', '.join(near)})")
