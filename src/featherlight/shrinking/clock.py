"""What a thinner network will take, without running it: the latency table as a clock.

A network has some twenty widths, each with dozens of legal cuts. Timed one by one, the differences would drown in the
noise: a step of NetAdapt is a hundredth of the time. So the pieces of its thinner forms are timed once, and every cut
is told by its pieces (Yang et al. 2018, section 3.3: a look-up table for each layer).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from featherlight.errors import BadInput, Failure
from featherlight.graph import from_spec
from featherlight.latency import LatencyTable, Member, time_networks
from featherlight.shrinking.one_shot import thinned
from featherlight.shrinking.proposals import Clock, cuts
from featherlight.shrinking.widths import widths, with_channels
from featherlight.spec import Spec

# To what shares of its channels each width is cut for the table; between them pieces of the same kind tell.
GRID = (0.875, 0.625, 0.375)
TIMED_WHOLE = (1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25)  # width multipliers that are timed whole, to calibrate by

Image = tuple[int, int, int]  # channels, height, width


def table_clock(table: LatencyTable, image: Image, num_classes: int) -> Clock:
    """The seconds that `table` predicts for a network of a Spec."""

    @lru_cache(maxsize=4096)
    def seconds(spec: Spec) -> float:
        return table.predict(table.cut_spec(spec, (1, *image), num_classes)).seconds

    return seconds


def time_cuts(spec: Spec, image: Image, num_classes: int, folder: Path, *, engine: str, threads: int) -> LatencyTable:
    """The table of a network and of its cuts, one width at a time, timed here; kept in `folder`, finished or not."""
    members = _members(spec, image, num_classes)
    about = {"sizes": [image[1]], "channels": image[0]}
    try:
        return time_networks(members, folder / "latency.json", engine=engine, threads=threads, **about)
    except BadInput as error:  # the networks and the engine are our own choice: a damaged file, say
        raise Failure(f"the pieces cannot be timed: {error}") from error


def _members(spec: Spec, image: Image, num_classes: int) -> Iterator[Member]:
    for share in TIMED_WHOLE:
        yield _member(f"{share}x", thinned(spec, share), image, num_classes, timed=True)
    for width in widths(spec):
        allowed = cuts(spec, width, num_classes, image[0])
        for share in GRID if allowed else ():
            channels = _nearest(allowed, share * width.channels)
            cut = with_channels(spec, width, channels)
            yield _member(f"{width.name} {channels}", cut, image, num_classes, timed=False)


def _nearest(allowed: Sequence[int], channels: float) -> int:
    return min(allowed, key=lambda each: abs(each - channels))


def _member(name: str, spec: Spec, image: Image, num_classes: int, *, timed: bool) -> Member:
    return Member(name, name, from_spec(spec, (1, *image), num_classes), timed)
