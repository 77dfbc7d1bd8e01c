"""A time budget as people write it."""

from featherlight.timing.budget import parse_budget, show_time

__all__ = ["parse_budget", "show_time"]
