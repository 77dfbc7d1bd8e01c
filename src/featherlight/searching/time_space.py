"""The latency table of a space: pieces of some of its networks, and a few of them whole to calibrate by.

A space has more pieces than could be timed: each depends on two widths, a stride and a size of map. What a sample does
not hold is told by its neighbours (`latency.neighbours`), and what matters is the order of networks: the finalists are
timed themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from featherlight.graph import from_spec
from featherlight.latency import LatencyTable, Member, time_networks
from featherlight.searching.space import Space
from featherlight.searching.variation import random_genes

WHOLE, IN_PIECES = 12, 36  # networks of the sample
SEED = 0  # of the sample: the same for every search in a space

TABLE = "latency.json"


def time_space(
    space: Space, image: tuple[int, int, int], num_classes: int, folder: Path, *, engine: str, threads: int
) -> LatencyTable:
    """Time a sample of the space on this machine; kept in `folder`, finished or not.

    `image` is channels, height and width.
    """
    members = _members(space, image, num_classes)
    about = {"sizes": [image[1]], "channels": image[0]}
    return time_networks(members, folder / TABLE, engine=engine, threads=threads, **about)


def _members(space: Space, image: tuple[int, int, int], num_classes: int) -> Iterator[Member]:
    generator = np.random.default_rng(SEED)
    for number in range(WHOLE + IN_PIECES):
        spec = space.spec(random_genes(space, generator))
        assert spec is not None
        name = f"sample {number}"
        yield Member(name, name, from_spec(spec, (1, *image), num_classes), timed=number < WHOLE)
