"""Ceil mode, told by padding, is torch's own."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from featherlight.graph import Builder, Tensor, evaluate, kinds
from featherlight.graph.aten.call import Call
from featherlight.graph.aten.pooling import avg_pool2d, max_pool2d

SIDES = st.tuples(st.integers(1, 12), st.integers(1, 12))
KERNELS = st.tuples(st.integers(1, 5), st.integers(1, 5))
STRIDES = st.tuples(st.integers(1, 4), st.integers(1, 4))


def values(side: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((1, 2, *side))


def call(side: tuple[int, int]) -> Call:
    builder = Builder()
    builder.input("x", Tensor((1, 2, *side)))
    return Call(builder, "pool", "", ())


def halves(kernel: kinds.Pair, data: st.DataObject) -> kinds.Pair:
    """Torch pads by half a kernel at most."""
    return data.draw(st.integers(0, kernel[0] // 2)), data.draw(st.integers(0, kernel[1] // 2))


@given(side=SIDES, kernel=KERNELS, stride=STRIDES, dilation=st.integers(1, 2), ceil=st.booleans(), data=st.data())
def test_max_pool(
    side: tuple[int, int], kernel: kinds.Pair, stride: kinds.Pair, dilation: int, ceil: bool, data: st.DataObject
) -> None:
    padding = halves(kernel, data)
    assume(all(s + 2 * p > dilation * (k - 1) for s, p, k in zip(side, padding, kernel, strict=True)))
    x, pool = values(side), call(side)
    result = max_pool2d(pool, "x", kernel, stride, padding, dilation, ceil)
    expected = F.max_pool2d(torch.from_numpy(x), kernel, stride, padding, dilation, ceil)
    np.testing.assert_array_equal(evaluate(pool.builder.graph([result]), x)[0], expected)


@given(side=SIDES, kernel=KERNELS, stride=STRIDES, ceil=st.booleans(), counted=st.booleans(), data=st.data())
def test_average_pool(
    side: tuple[int, int], kernel: kinds.Pair, stride: kinds.Pair, ceil: bool, counted: bool, data: st.DataObject
) -> None:
    padding = halves(kernel, data)
    assume(all(s + 2 * p >= k for s, p, k in zip(side, padding, kernel, strict=True)))
    x, pool = values(side), call(side)
    result = avg_pool2d(pool, "x", kernel, stride, padding, ceil, counted, None)
    expected = F.avg_pool2d(torch.from_numpy(x), kernel, stride, padding, ceil, counted)
    np.testing.assert_allclose(evaluate(pool.builder.graph([result]), x)[0], expected, rtol=1e-9, atol=1e-12)
