"""The one error that the runtime raises on purpose."""

from __future__ import annotations


class FlightError(ValueError):
    """A file, an image or a number that cannot be used, or a machine that cannot run it; one sentence for a person."""
