"""What a network costs by its graph alone: pure functions, no torch and no clock."""

from __future__ import annotations

from featherlight.cost.count import Cost, OpCost, count
from featherlight.cost.memory import Memory, memory

__all__ = ["Cost", "Memory", "OpCost", "count", "memory"]
