"""The main job: images and a time budget in, a trained network that keeps the budget out."""

from featherlight.fitting.job import finished, fit
from featherlight.fitting.limits import parse_bytes, show_bytes
from featherlight.fitting.result import Fitted
from featherlight.timing.budget import parse_budget, show_time

__all__ = ["Fitted", "finished", "fit", "parse_budget", "parse_bytes", "show_bytes", "show_time"]
