"""The papers' formulas against counts of real graphs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from featherlight import spec
from featherlight.cost import Cost, count, formulas
from featherlight.graph import Builder, Tensor, from_torch, kinds
from featherlight.layers.fire import Fire
from featherlight.layers.shuffle_unit_1 import ShuffleUnit1

CHANNELS = st.integers(1, 48)
KERNELS = st.sampled_from([1, 3, 5])
SIDES = st.integers(1, 12)


def counted(side: int, kernel: int, c1: int, c2: int, groups: int = 1) -> Cost:
    """The cost of a convolution of c1 to c2 channels that keeps its map's size."""
    builder = Builder()
    x = builder.input("x", Tensor((1, c1, side, side)))
    weight = builder.constant("w", np.zeros((c2, c1 // groups, kernel, kernel), np.float32))
    kind = kinds.Convolution(padding=(kernel // 2,) * 4, groups=groups)
    return count(builder.graph(builder.add(kind, [x, weight], "y")), bytes_per_element=1)


@given(kernel=KERNELS, c1=CHANNELS, c2=CHANNELS, side=SIDES)
def test_normal_depthwise_and_pointwise_convolution(kernel: int, c1: int, c2: int, side: int) -> None:
    hw = side * side
    normal = counted(side, kernel, c1, c2).multiply_adds
    depthwise = counted(side, kernel, c1, c1, groups=c1).multiply_adds
    pointwise = counted(side, 1, c1, c2).multiply_adds
    assert formulas.convolution(kernel, c1, c2, hw) == normal
    assert formulas.depthwise(kernel, c1, hw) == depthwise
    assert formulas.pointwise(c1, c2, hw) == pointwise
    assert math.isclose(formulas.separable_ratio(kernel, c2), (depthwise + pointwise) / normal)


@given(kernel=KERNELS, a=st.integers(1, 8), b=st.integers(1, 8), groups=st.integers(1, 6), side=SIDES)
def test_group_convolution(kernel: int, a: int, b: int, groups: int, side: int) -> None:
    grouped = counted(side, kernel, a * groups, b * groups, groups=groups)
    assert formulas.grouped_convolution(kernel, a * groups, b * groups, side**2, groups) == grouped.multiply_adds


@given(c1=CHANNELS, c2=CHANNELS, side=SIDES)
def test_memory_access_of_a_pointwise_convolution_has_its_least_at_equal_channels(c1: int, c2: int, side: int) -> None:
    """G1."""
    cost = counted(side, 1, c1, c2)
    assert formulas.memory_access(c1, c2, side**2) == cost.memory_access == cost.bytes_moved
    least = formulas.least_memory_access(cost.multiply_adds, side**2)
    assert cost.memory_access >= least * (1 - 1e-12)
    assert math.isclose(cost.memory_access, least, rel_tol=1e-9) == (c1 == c2)


@given(a=st.integers(1, 8), b=st.integers(1, 8), groups=st.integers(1, 6), side=SIDES)
def test_memory_access_with_groups(a: int, b: int, groups: int, side: int) -> None:
    """G2, both of the paper's forms."""
    cost = counted(side, 1, a * groups, b * groups, groups=groups)
    assert formulas.memory_access(a * groups, b * groups, side**2, groups) == cost.memory_access
    form = formulas.grouped_memory_access(a * groups, cost.multiply_adds, side**2, groups)
    assert math.isclose(form, cost.memory_access)
    least = formulas.least_memory_access(cost.multiply_adds, side**2, groups)
    assert cost.memory_access >= least * (1 - 1e-12)
    assert math.isclose(cost.memory_access, least, rel_tol=1e-9) == (a == b)


@given(c=st.integers(1, 6), width=st.integers(1, 4), side=SIDES)
def test_at_equal_input_and_multiply_adds_memory_access_grows_with_groups(c: int, width: int, side: int) -> None:
    """G2: c1 stays, and g groups pay for g times as many channels out."""
    costs = [counted(side, 1, 8 * c, 8 * width * groups, groups=groups) for groups in (1, 2, 4, 8)]
    assert len({cost.multiply_adds for cost in costs}) == 1
    access = [cost.memory_access for cost in costs]
    assert access == sorted(set(access))


@given(c1=st.integers(1, 32), s=st.integers(1, 16), e1=st.integers(1, 32), e3=st.integers(1, 32))
def test_the_fire_modules_saving(c1: int, s: int, e1: int, e3: int) -> None:
    def weights(module: nn.Module) -> int:
        return sum(each.numel() for each in module.parameters() if each.dim() == 4)

    fire = Fire(c1, spec.Fire(s, e1, e3), spec.Style())
    normal = nn.Conv2d(c1, e1 + e3, 3, bias=False)
    assert math.isclose(formulas.fire_saving(c1, s, e1, e3), weights(normal) / weights(fire))


@pytest.mark.parametrize("groups", [1, 2, 3, 4])
def test_shuffle_units_multiply_adds(groups: int) -> None:
    unit = ShuffleUnit1(48, spec.ShuffleUnit1(48, 12, groups, groups), spec.Style()).eval()
    cost = count(from_torch(unit, (1, 48, 7, 7)))
    assert formulas.shuffle_unit(48, 12, 49, groups) == cost.multiply_adds


def test_mobilenets_3x3_kernels_save_eight_to_nine_times() -> None:
    """Howard et al. 2017, section 3.1, of layers as wide as that network's."""
    assert all(8 < 1 / formulas.separable_ratio(3, channels) < 9 for channels in (128, 256, 512, 1024))
