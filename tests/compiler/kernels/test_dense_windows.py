"""Convolution and pools of any windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from compiler.dense_check import ANY, check, few, values, with_special
from compiler.one_kernel import BEST
from featherlight.compiler.instruction_set import SSE2, InstructionSet
from featherlight.compiler.kernels.dense import kernel
from featherlight.compiler.kernels.dense.linear import Linear
from featherlight.graph import kinds

SIDES = st.tuples(st.integers(1, 12), st.integers(1, 40))
STRIDES = st.tuples(st.integers(1, 3), st.integers(1, 3))
KERNELS = st.tuples(st.integers(1, 4), st.integers(1, 4))
PADDING = st.tuples(*[st.integers(0, 4)] * 4)


def fits(side: tuple[int, int], kernel: tuple[int, int], padding: kinds.Padding, dilation: tuple[int, int]) -> bool:
    sums = (padding[0] + padding[2], padding[1] + padding[3])
    each = zip(side, kernel, sums, dilation, strict=True)
    return all(size + more >= d * (k - 1) + 1 for size, k, more, d in each)


@few
@given(
    *(st.integers(1, 2), st.integers(1, 3), st.integers(1, 4), st.integers(1, 8)),
    *(SIDES, KERNELS, STRIDES, PADDING, STRIDES, st.booleans(), ANY),
)
@example(1, 1, 3, 13, (9, 17), (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), True, BEST)
@example(1, 1, 3, 7, (9, 17), (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), True, BEST)
@example(2, 5, 1, 1, (9, 33), (3, 3), (2, 2), (1, 1, 1, 1), (1, 1), False, BEST)
@example(2, 1, 3, 9, (2, 3), (2, 3), (1, 1), (0, 0, 0, 0), (1, 1), True, SSE2)
def test_convolution(
    images: int,
    groups: int,
    inputs: int,
    outputs: int,
    side: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: kinds.Padding,
    dilation: tuple[int, int],
    bias: bool,
    cpu: InstructionSet,
) -> None:
    assume(fits(side, kernel, padding, dilation))
    kind = kinds.Convolution(stride, padding, dilation, groups)
    x, weight = values(images, groups * inputs, *side), values(groups * outputs, inputs, *kernel, seed=1)
    check(kind, x, weight, *[values(groups * outputs, seed=2)] * bias, cpu=cpu, atol=1e-5)


def test_convolution_spreads_what_is_not_finite() -> None:
    x = with_special(values(1, 2, 9, 30), 3)
    check(kinds.Convolution((1, 1), (1, 1, 1, 1)), x, values(4, 2, 3, 3, seed=1), atol=1e-5)


def test_one_window_is_a_linear_layer() -> None:
    assert isinstance(kernel(kinds.Convolution(), ((2, 3, 4, 5), (7, 3, 4, 5)), ((2, 7, 1, 1),)), Linear)


@few
@given(st.integers(1, 2), SIDES, KERNELS, STRIDES, PADDING, STRIDES, st.integers(0, 99), ANY)
@example(1, (1, 1), (1, 1), (1, 1), (2, 2, 2, 2), (1, 1), 0, BEST)
def test_max_pool(
    images: int,
    side: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: kinds.Padding,
    dilation: tuple[int, int],
    seed: int,
    cpu: InstructionSet,
) -> None:
    assume(fits(side, kernel, padding, dilation))
    x = with_special(values(images, 3, *side, seed=seed), seed) - np.float32(5)  # padding with zeros would win
    check(kinds.MaxPool(kernel, stride, padding, dilation), x, cpu=cpu, rtol=0, atol=0)


@few
@given(st.integers(1, 2), SIDES, KERNELS, STRIDES, PADDING, st.booleans(), st.booleans(), ANY)
def test_average_pool(
    images: int,
    side: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: kinds.Padding,
    count_padding: bool,
    finite: bool,
    cpu: InstructionSet,
) -> None:
    assume(fits(side, kernel, padding, (1, 1)))
    x = values(images, 3, *side)
    x = x if finite else with_special(x, side[0])
    check(kinds.AveragePool(kernel, stride, padding, count_padding), x, cpu=cpu)


@few
@given(SIDES, SIDES, ANY)
def test_adaptive_average_pool(side: tuple[int, int], size: tuple[int, int], cpu: InstructionSet) -> None:
    check(kinds.AdaptiveAveragePool(size), values(2, 3, *side), cpu=cpu, atol=1e-6)


@pytest.mark.parametrize("width", [7, 8, 9, 15, 16, 17])
def test_widths_around_a_vector(width: int) -> None:
    x, weight = values(1, 2, 5, width), values(3, 2, 3, 3, seed=1)
    check(kinds.Convolution((1, 1), (1, 1, 1, 1)), x, weight, atol=1e-5)
    check(kinds.MaxPool((3, 3), (2, 2), (1, 1, 1, 1)), x)
    check(kinds.AveragePool((2, 2), (1, 1)), x)
