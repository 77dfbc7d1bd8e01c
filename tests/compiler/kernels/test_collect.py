"""Channels brought together out of several pieces, in any order, pixel by pixel or plane by plane."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.one_kernel import RUNNABLE, run
from featherlight.compiler.instruction_set import InstructionSet
from featherlight.compiler.kernels.collect import Collect, Run

RUNS = st.lists(st.tuples(st.integers(1, 20), st.integers(1, 3)), min_size=1, max_size=4)


@settings(max_examples=60)  # each compiles a kernel
@given(st.sampled_from(RUNNABLE), st.integers(1, 3), st.integers(1, 5), RUNS, st.integers(0, 3), st.booleans())
def test_channels_are_collected(
    cpu: InstructionSet, images: int, pixels: int, sizes: list[tuple[int, int]], gap: int, planes: bool
) -> None:
    """A run a piece, after `gap` floats that nobody wants; channels between those of a run stay as they were."""
    random, runs, first = np.random.default_rng(0), list[Run](), 0
    for piece, (count, step) in enumerate(sizes):
        runs.append(Run(piece, gap, count, first, step))
        first += (count - 1) * step + 1
    pieces = [random.standard_normal((images, pixels, gap + count)).astype(np.float32) for count, _ in sizes]
    shape = (images, first, pixels) if planes else (images, pixels, first)
    between = (4 * first * pixels, 4, 4 * pixels) if planes else (4 * first * pixels, 4 * first, 4)
    kernel = Collect(images, pixels, tuple(piece.strides[1] for piece in pieces), tuple(runs), *between)
    (made,) = run(kernel, pieces, [shape], cpu)
    made = made.transpose(0, 2, 1) if planes else made
    for each, wanted in zip(runs, pieces, strict=True):
        found = made[..., each.channel : each.channel + (each.length - 1) * each.step + 1 : each.step]
        np.testing.assert_array_equal(found, wanted[..., gap:])
