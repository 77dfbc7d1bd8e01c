"""Channels brought together out of several pieces, in any order, pixel by pixel or plane by plane."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.one_kernel import RUNNABLE, UNTOUCHED, run
from featherlight.compiler.instruction_set import InstructionSet
from featherlight.compiler.kernels.collect import Collect, Run

STEPS = st.sampled_from([-3, -2, -1, 1, 2, 3])
RUNS = st.lists(st.tuples(st.integers(1, 20), STEPS, st.integers(0, 2)), min_size=1, max_size=4)


@settings(max_examples=60)  # each compiles a kernel
@given(st.sampled_from(RUNNABLE), st.integers(1, 3), st.integers(1, 5), RUNS, st.integers(0, 3), st.booleans())
def test_channels_are_collected_and_no_other_is_touched(
    cpu: InstructionSet, images: int, pixels: int, sizes: list[tuple[int, int, int]], before: int, planes: bool
) -> None:
    """A run a piece, after `before` floats that nobody wants; upwards or downwards, and some channels after it."""
    random, runs, channels = np.random.default_rng(0), list[Run](), 0
    for piece, (count, step, after) in enumerate(sizes):
        reach = (count - 1) * abs(step)
        runs.append(Run(piece, before, count, channels + (0 if step > 0 else reach), step))
        channels += reach + 1 + after
    pieces = [random.standard_normal((images, pixels, before + count)).astype(np.float32) for count, _, _ in sizes]
    shape = (images, channels, pixels) if planes else (images, pixels, channels)
    between = (4 * channels * pixels, 4, 4 * pixels) if planes else (4 * channels * pixels, 4 * channels, 4)
    kernel = Collect(images, pixels, tuple(piece.strides[1] for piece in pieces), tuple(runs), *between)
    (made,) = run(kernel, pieces, [shape], cpu)
    wanted = np.full((images, pixels, channels), UNTOUCHED)
    for each, given_piece in zip(runs, pieces, strict=True):
        wanted[..., [each.channel + number * each.step for number in range(each.length)]] = given_piece[..., before:]
    np.testing.assert_array_equal(made.transpose(0, 2, 1) if planes else made, wanted)
