"""The kernels against NumPy in float64, without torch."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from featherlight.compiler.training import batch_norm
from featherlight.compiler.training.kernel import Kernel, OpenMP
from featherlight.compiler.training.vectors import LANES

CHANNELS = st.sampled_from([1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 58, 116, 130]) | st.integers(1, 300)
ACTIVATIONS = ["none", "relu", "relu6", "hard_swish"]


@functools.cache
def kernels(activation: str) -> dict[str, Kernel]:
    return batch_norm.kernels(activation, None)


def normal(seed: int, *shape: int) -> NDArray[np.float32]:
    return (2 * np.random.default_rng(seed).standard_normal(shape) + 1).astype(np.float32)


def wide(*each: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack([np.tile(numbers, batch_norm.fold(len(numbers))) for numbers in each])


def at(*arrays: NDArray[np.float32]) -> list[int]:
    return [array.ctypes.data for array in arrays]


def folded(sums: NDArray[np.float64], channels: int) -> NDArray[np.float64]:
    total: NDArray[np.float64] = sums.reshape(len(sums), 2, -1, channels).sum((0, 2))
    return total


@given(CHANNELS)
def test_wide_rows_are_whole_vectors(channels: int) -> None:
    width = channels * batch_norm.fold(channels)
    assert width % LANES == 0
    assert width < 2 * batch_norm.LEAST_WIDTH or batch_norm.fold(channels) <= LANES


@given(CHANNELS, st.integers(1, 70), st.integers(1, 5), st.integers(0, 99))
def test_moments_are_those_of_float64(channels: int, rows: int, parts: int, seed: int) -> None:
    x = normal(seed, rows, channels)
    width = channels * batch_norm.fold(channels)
    sums = np.full((parts, 2, width), np.nan)
    kernels("none")["moments"](parts, x.size, width, *at(x), sums.ctypes.data)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(folded(sums, channels), [exact.sum(0), (exact**2).sum(0)], rtol=1e-13, atol=1e-11)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@given(CHANNELS, st.integers(1, 70), st.integers(1, 5), st.integers(0, 99))
def test_the_map_is_normed_and_activated(activation: str, channels: int, rows: int, parts: int, seed: int) -> None:
    x, y = normal(seed, rows, channels), np.full((rows, channels), np.nan, np.float32)
    mean, scale, bias = normal(seed + 1, 3, channels)
    lines = wide(mean, scale, bias)
    kernels(activation)["forward"](parts, x.size, lines.shape[1], *at(x, y), *at(*lines))
    z = (x.astype(np.float64) - mean) * scale + bias
    expected = {
        "none": z,
        "relu": np.maximum(z, 0),
        "relu6": np.clip(z, 0, 6),
        "hard_swish": z * np.clip(z + 3, 0, 6) / 6,
    }
    np.testing.assert_allclose(y, expected[activation], rtol=2e-6, atol=2e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@given(CHANNELS, st.integers(1, 70), st.integers(1, 5), st.integers(0, 99))
def test_the_gradient_passes_both_ways(activation: str, channels: int, rows: int, parts: int, seed: int) -> None:
    x, dy, dx = normal(seed, rows, channels), normal(seed + 2, rows, channels), np.full((rows, channels), np.nan)
    dx = dx.astype(np.float32)
    lines = normal(seed + 1, 5, channels)
    mean, scale, bias, slant, level = lines
    row = wide(*lines)
    centred = x.astype(np.float64) - mean
    z = centred * scale + bias
    slope = {
        "none": np.ones_like(z),
        "relu": z > 0,
        "relu6": (z > 0) & (z < 6),
        "hard_swish": np.where(z > 3, 1, np.where(z < -3, 0, z / 3 + 0.5)),
    }
    near_a_kink = np.min(np.abs(z[..., None] - [-3, 0, 3, 6]), -1) < 1e-4  # where rounding decides
    dy[near_a_kink] = 0
    g = dy * slope[activation]
    sums = np.full((parts, 2, row.shape[1]), np.nan)
    kernels(activation)["slopes"](parts, x.size, row.shape[1], *at(x, dy), *at(*row[:3]), sums.ctypes.data)
    np.testing.assert_allclose(folded(sums, channels), [g.sum(0), (g * centred).sum(0)], rtol=1e-5, atol=1e-3)
    kernels(activation)["backward"](parts, x.size, row.shape[1], *at(x, dy), *at(*row), *at(dx))
    np.testing.assert_allclose(dx, scale * g + slant * centred + level, rtol=1e-5, atol=1e-4)


def test_what_lies_behind_a_map_stays_untouched() -> None:
    channels, rows = 7, 13
    x, y = normal(0, rows, channels), np.zeros(rows * channels + 8, np.float32)
    lines = wide(*normal(1, 3, channels))
    kernels("none")["forward"](3, x.size, lines.shape[1], *at(x, y), *at(*lines))
    assert y[: x.size].all()
    assert not y[x.size :].any()


def test_a_library_without_openmp_has_no_threads() -> None:
    with pytest.raises((OSError, AttributeError)):
        OpenMP("libm.so.6")
