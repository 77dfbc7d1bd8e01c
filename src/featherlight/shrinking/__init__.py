"""Networks made thinner: which widths a Spec has, and the weights that are left when one is cut."""

from __future__ import annotations

from featherlight.shrinking.carve import IllegalCut, carve, filter_norm, legal, removed
from featherlight.shrinking.widths import Width, widths, with_channels

__all__ = ["IllegalCut", "Width", "carve", "filter_norm", "legal", "removed", "widths", "with_channels"]
