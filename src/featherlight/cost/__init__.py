"""What a network costs by its graph alone: pure functions, no torch and no clock.

`formulas` holds what the papers say of single layers; tests hold it against counts of real graphs.
"""

from __future__ import annotations

from featherlight.cost import formulas
from featherlight.cost.count import Cost, OpCost, count
from featherlight.cost.memory import Memory, memory
from featherlight.cost.receptive_field import ReceptiveField, receptive_fields
from featherlight.cost.roofline import Bandwidth, Bound, Ceilings, lower_bound

__all__ = [
    "Bandwidth",
    "Bound",
    "Ceilings",
    "Cost",
    "Memory",
    "OpCost",
    "ReceptiveField",
    "count",
    "formulas",
    "lower_bound",
    "memory",
    "receptive_fields",
]
