"""What a search is given, small: a user's page with a space of few networks, and a made-up latency table of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from featherlight.graph import from_spec
from featherlight.searching import Space, random_genes, read_space
from latency_tables import made_up, write

PAGE = """
from featherlight.searching import Space, Stage

SPACE = Space(
    "small",
    stem=(8, 16),
    stages=(
        Stage((8, 16), repeats=(1, 2), strides=(2,), kinds=("inverted_residual", "shuffle_unit_2", "fire"),
              expansions=(1, 2), squeeze_excite=(0,)),
        Stage((16, 24), repeats=(1, 2), strides=(1,), kernels=(3,), expansions=(2,), squeeze_excite=(0, 0.25)),
    ),
    stem_strides=(2,),
    hidden=(0, 16),
    total_stride=4,
)
"""


def page(path: Path) -> Path:
    """A file with the space, as a user writes one."""
    path.write_text(PAGE)
    return path


def space(path: Path) -> Space:
    """The space that the file defines."""
    return read_space(str(page(path)), 32)


def table(path: Path, networks: Space) -> Path:
    """A latency table of some networks of the space, of 32 pixels and two classes."""
    generator, graphs = np.random.default_rng(0), {}
    for number in range(12):
        spec = networks.spec(random_genes(networks, generator))
        assert spec is not None
        graphs[f"{number}x"] = from_spec(spec, (1, 3, 32, 32), 2)
    return write(path, made_up(graphs, sizes=[32]))
