"""Pictures of what was measured."""

from featherlight.report.accuracy_time import Point, draw

__all__ = ["Point", "draw"]
