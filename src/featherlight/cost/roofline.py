"""The roofline: what a machine's arithmetic and its memory allow, whatever the engine (Williams et al. 2009)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from featherlight.cost.count import OpCost
from featherlight.errors import must_be


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """Bytes a second, read or written, by work that touches `footprint` bytes over and over."""

    footprint: int
    bytes_per_second: float


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What a machine can do: multiply-adds a second, and bytes a second by footprint, smallest first.

    Caches make small footprints fast, so there is more than one bandwidth; the last is that of memory itself. `noisy`
    ones were measured on a busy machine: they are too low, perhaps by much.
    """

    multiply_adds_per_second: float
    bandwidths: tuple[Bandwidth, ...]
    noisy: bool = False

    def __post_init__(self) -> None:
        footprints = [each.footprint for each in self.bandwidths]
        if not footprints or footprints != sorted(set(footprints)):
            raise must_be("bandwidths", "one or more, smallest footprint first", footprints)
        for rate in (self.multiply_adds_per_second, *(each.bytes_per_second for each in self.bandwidths)):
            if not 0 < rate < math.inf:
                raise must_be("a rate", "a number above 0", rate)

    def bandwidth(self, footprint: int) -> float:
        """Bytes a second for work on `footprint` bytes: that of the largest measured footprint that is no larger.

        So a footprint between two is taken for the faster one, which keeps a bound on time a bound.
        """
        fitting = [each for each in self.bandwidths if each.footprint <= footprint] or self.bandwidths[:1]
        return fitting[-1].bytes_per_second


@dataclass(frozen=True, slots=True)
class Bound:
    """The least time in seconds that an operation can take, and what sets it."""

    seconds: float
    limit: Literal["arithmetic", "memory"]


def lower_bound(cost: OpCost, ceilings: Ceilings) -> Bound:
    """The time below which no engine comes on the machine of `ceilings`: its arithmetic's or its traffic's, the longer.

    An engine that fuses operations moves less than their sum, and one that multiplies by Winograd's or another quick
    scheme, or leaves out a frame of zeros, does with fewer multiply-adds than are counted: bounds hold operation by
    operation and for direct arithmetic.
    """
    arithmetic = cost.multiply_adds / ceilings.multiply_adds_per_second
    traffic = cost.bytes_moved / ceilings.bandwidth(cost.bytes_moved)
    return Bound(arithmetic, "arithmetic") if arithmetic > traffic else Bound(traffic, "memory")
