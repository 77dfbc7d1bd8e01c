from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.cost import Bandwidth, Ceilings, OpCost, count, lower_bound
from featherlight.errors import BadInput
from featherlight.graph import Builder, Tensor, kinds

MACHINE = Ceilings(1e9, (Bandwidth(1_000, 4e9), Bandwidth(100_000, 2e9), Bandwidth(10_000_000, 1e9)))


def convolution(channels: int, side: int, bytes_per_element: int = 4) -> OpCost:
    builder = Builder()
    x = builder.input("x", Tensor((1, channels, side, side)))
    weight = builder.constant("w", np.zeros((channels, channels, 1, 1), np.float32))
    (row,) = count(builder.graph(builder.add(kinds.Convolution(), [x, weight], "y")), bytes_per_element).rows
    return row


def test_many_channels_are_bound_by_arithmetic_and_few_by_memory() -> None:
    wide, narrow = convolution(64, 10), convolution(1, 100)
    assert lower_bound(wide, MACHINE).limit == "arithmetic"
    assert lower_bound(wide, MACHINE).seconds == pytest.approx(64 * 64 * 100 / 1e9)
    assert lower_bound(narrow, MACHINE).limit == "memory"
    assert lower_bound(narrow, MACHINE).seconds == pytest.approx(narrow.bytes_moved / 4e9)


@pytest.mark.parametrize(
    ("footprint", "rate"), [(1, 4e9), (1_000, 4e9), (99_999, 4e9), (100_000, 2e9), (10**7, 1e9), (10**12, 1e9)]
)
def test_a_footprint_between_two_is_taken_for_the_faster(footprint: int, rate: float) -> None:
    assert MACHINE.bandwidth(footprint) == rate


@given(channels=st.integers(1, 40), side=st.integers(1, 20), size=st.sampled_from([1, 2, 4]))
def test_intensity_decides(channels: int, side: int, size: int) -> None:
    """Arithmetic binds exactly above the ridge: peak over bandwidth (Williams et al. 2009, section 3)."""
    row = convolution(channels, side, size)
    assert math.isclose(row.intensity, row.multiply_adds / (row.bytes_read + row.bytes_written))
    ridge = MACHINE.multiply_adds_per_second / MACHINE.bandwidth(row.bytes_moved)
    assert lower_bound(row, MACHINE).limit == ("arithmetic" if row.intensity > ridge else "memory")


def test_what_moves_nothing_takes_no_time() -> None:
    builder = Builder()
    x = builder.input("x", Tensor((1, 4, 2, 2)))
    cost = count(builder.graph(builder.add(kinds.Identity(), [x], "y")))
    assert (cost.intensity, cost.rows[0].intensity) == (0.0, 0.0)
    assert lower_bound(cost.rows[0], MACHINE).seconds == 0.0


@pytest.mark.parametrize(
    ("peak", "bandwidths", "sentence"),
    [
        (0.0, (Bandwidth(1, 1.0),), "a rate must be a number above 0; got 0.0"),
        (1.0, (Bandwidth(1, math.inf),), "a rate must be a number above 0; got inf"),
        (1.0, (), "bandwidths must be one or more, smallest footprint first"),
        (1.0, (Bandwidth(2, 1.0), Bandwidth(1, 1.0)), "bandwidths must be one or more, smallest footprint first"),
    ],
)
def test_ceilings_that_mean_nothing_are_refused(peak: float, bandwidths: tuple[Bandwidth, ...], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        Ceilings(peak, bandwidths)
