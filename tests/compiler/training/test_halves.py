"""The kernels against NumPy's slices, without torch."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from featherlight.compiler.training import halves

KERNELS = halves.kernels(None)


@given(st.integers(1, 30), st.integers(1, 60), st.integers(1, 4))
def test_maps_become_one_and_two_again(rows: int, half: int, parts: int) -> None:
    both = np.arange(rows * 2 * half, dtype=np.float32).reshape(rows, 2 * half)
    for apart, together, ways in (
        ("split", "join", (slice(half), slice(half, None))),
        ("deal", "shuffle", (slice(0, None, 2), slice(1, None, 2))),
    ):
        left, right, again = (np.full((rows, n), np.nan, np.float32) for n in (half, half, 2 * half))
        KERNELS[apart](parts, rows, half, left.ctypes.data, right.ctypes.data, both.ctypes.data)
        assert (left == both[:, ways[0]]).all()
        assert (right == both[:, ways[1]]).all()
        KERNELS[together](parts, rows, half, left.ctypes.data, right.ctypes.data, again.ctypes.data)
        assert (again == both).all()
