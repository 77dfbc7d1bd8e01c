"""The kernels against plain loops of NumPy in float64, without torch."""

from __future__ import annotations

import functools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from featherlight.compiler.training import depthwise
from featherlight.compiler.training.kernel import Kernel

SIDES = st.integers(1, 7)


@functools.cache
def kernels(side: int, stride: int) -> dict[str, Kernel]:
    return depthwise.kernels(side, stride, None)


def windows(x: NDArray[np.float64], side: int, stride: int) -> NDArray[np.float64]:
    """What each output sees: (images, height, width, taps, channels), a view of the padded map."""
    half = side // 2
    padded = np.pad(x, ((0, 0), (half, half), (half, half), (0, 0)))
    seen = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))[:, ::stride, ::stride]
    taps: NDArray[np.float64] = np.moveaxis(seen, 3, 5).reshape(*seen.shape[:3], side * side, x.shape[3])
    return taps


@given(
    st.integers(1, 3),
    SIDES,
    SIDES,
    st.integers(1, 20),
    st.sampled_from([3, 5]),
    st.sampled_from([1, 2]),
    st.integers(1, 4),
)
def test_it_convolves_and_goes_back(
    batch: int, height: int, width: int, channels: int, side: int, stride: int, parts: int
) -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((batch, height, width, channels)).astype(np.float32)
    weights = random.standard_normal((side * side, channels)).astype(np.float32)
    zeros, seen = np.zeros(width * channels, np.float32), windows(x.astype(np.float64), side, stride)
    y = np.full((*seen.shape[:3], channels), np.nan, np.float32)
    maps = batch, height, width, channels, x.ctypes.data, weights.ctypes.data, zeros.ctypes.data
    kernels(side, stride)["forward"](parts, *maps, y.ctypes.data)
    np.testing.assert_allclose(y, (seen * weights).sum(3), rtol=1e-5, atol=1e-5)

    dy: NDArray[np.float32] = random.standard_normal((*seen.shape[:3], channels)).astype(np.float32)
    dx, line = np.full(x.shape, np.nan, np.float32), np.empty((parts, *weights.shape), np.float32)
    sums = np.full(line.shape, np.nan)
    rest = dy.ctypes.data, dx.ctypes.data, line.ctypes.data, sums.ctypes.data
    kernels(side, stride)["backward"](parts, *maps, *rest)
    np.testing.assert_allclose(sums.sum(0), (seen * dy[..., None, :]).sum((0, 1, 2)), rtol=1e-5, atol=1e-4)
    # The gradient of x by what it does: <dx, v> = <dy, convolved v> for any v.
    v = random.standard_normal(x.shape)
    through = (windows(v, side, stride) * weights).sum(3)
    np.testing.assert_allclose((dx * v).sum(), (dy * through).sum(), rtol=1e-4, atol=1e-3)
