"""What a fit has finished, so that it can go on after any end, a killed one too, without doing anything twice."""

from featherlight.journal import START, Record

__all__ = ["START", "Record"]
