"""Pictures of what was measured, and the page that shows all of it."""

from featherlight.report.accuracy_time import Point, draw
from featherlight.report.contents import Report
from featherlight.report.write import add_to_fit, write_report

__all__ = ["Point", "Report", "add_to_fit", "draw", "write_report"]
