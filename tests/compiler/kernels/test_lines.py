"""Lines moved: into a frame, and from one layout to another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.one_kernel import RUNNABLE, run
from featherlight.compiler.instruction_set import InstructionSet
from featherlight.compiler.kernels.lines import Frame, Strided

few = settings(max_examples=40)  # each compiles a kernel
ANY = st.sampled_from(RUNNABLE)
SIDE, EDGE = st.integers(1, 5), st.integers(0, 3)


@few
@given(ANY, st.integers(1, 3), SIDE, st.integers(1, 40), st.tuples(EDGE, EDGE), st.tuples(EDGE, EDGE), EDGE)
def test_a_frame(
    cpu: InstructionSet, images: int, lines: int, count: int, down: tuple[int, int], across: tuple[int, int], gap: int
) -> None:
    """Around images whose lines lie `gap` floats apart."""
    x = np.random.default_rng(0).standard_normal((images, lines, count + gap)).astype(np.float32)
    kernel = Frame(images, lines, count, *down, *across, 4 * lines * (count + gap), 4 * (count + gap), -2.0)
    expected = np.pad(x[..., :count], ((0, 0), down, across), constant_values=-2.0)
    (made,) = run(kernel, [x], [expected.shape], cpu)
    np.testing.assert_array_equal(made, expected)


@few
@given(ANY, st.tuples(*[st.integers(1, 4)] * 3, st.integers(1, 20)), st.permutations(range(4)))
def test_strides(cpu: InstructionSet, counts: tuple[int, int, int, int], order: list[int]) -> None:
    """Of any transpose."""
    x = np.random.default_rng(0).standard_normal(counts).astype(np.float32).transpose(order)
    shape = tuple(counts[axis] for axis in order)
    made = tuple(np.empty(shape, np.float32).strides)
    (result,) = run(Strided(shape, x.strides, made), [x.transpose(np.argsort(order))], [shape], cpu)  # type: ignore[arg-type]
    np.testing.assert_array_equal(result, x)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 16, 17])
def test_numbers_that_are_not_finite_are_moved_as_they_are(count: int) -> None:
    x = np.resize(np.array([np.nan, np.inf, -np.inf, -0.0], np.float32), count)
    (made,) = run(Strided((1, 1, 1, count), (0, 0, 0, 4), (0, 0, 0, 4)), [x], [(count,)], RUNNABLE[-1])
    np.testing.assert_array_equal(made.view(np.int32), x.view(np.int32))
