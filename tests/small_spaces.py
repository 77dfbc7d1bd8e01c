"""Small spaces with every kind of block, and a clock for them that needs no table."""

from __future__ import annotations

import math

from featherlight.layers.shapes import weight_shapes
from featherlight.searching import Kind, Space, Stage
from featherlight.searching.spaces import KINDS
from featherlight.spec import Spec


def small_space(kinds: tuple[Kind, ...] = KINDS) -> Space:
    """Two stages of a block or two; no two neighbours have the same channels, so that skips are within a stage."""
    common = {"kinds": kinds, "expansions": (1, 2, 3), "activations": ("relu", "hard_swish")}
    stages = (
        Stage((8, 16), (1, 2), (1, 2), **common),  # type: ignore[arg-type]
        Stage((12, 24), (1, 2), (1, 2), **common),  # type: ignore[arg-type]
    )
    return Space("small", (4, 10), stages, (1, 2), last=(0, 14, 20), hidden=(0, 6, 18), total_stride=4)


def tiny_space() -> Space:
    """Twelve networks."""
    stage = Stage((8, 16, 24), (1, 2), (2,), ("inverted_residual",), (3, 5), (2,), (0,))
    return Space("tiny", (8,), (stage,), (1,), total_stride=2)


def seconds(spec: Spec) -> float:
    """A microsecond for each weight."""
    return 1e-6 * sum(math.prod(shape) for shape in weight_shapes(spec, 3, 1).values())
