"""Counts against the papers' formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from featherlight.cost import Cost, count
from featherlight.errors import BadInput
from featherlight.graph import Builder, Kind, Tensor, from_torch, kinds
from small_networks import small_networks

CHANNELS = st.integers(1, 64)
SIDE = st.integers(1, 32)


def cost(kind: Kind, x: tuple[int, ...], *weights: tuple[int, ...], bytes_per_element: int = 1) -> Cost:
    """The cost of one operation."""
    builder = Builder()
    names = [builder.input("x", Tensor(x))]
    names += [builder.constant(f"w{i}", np.zeros(shape, np.float32)) for i, shape in enumerate(weights)]
    return count(builder.graph(builder.add(kind, names, "y")), bytes_per_element)


def convolution(c_in: int, c_out: int, kernel: int, side: int, groups: int = 1) -> Cost:
    """A convolution that keeps the size of its map (kernel odd)."""
    pad = kernel // 2
    kind = kinds.Convolution(padding=(pad, pad, pad, pad), groups=groups)
    return cost(kind, (1, c_in, side, side), (c_out, c_in // groups, kernel, kernel))


@given(m=CHANNELS, n=CHANNELS, k=st.sampled_from([1, 3, 5]), f=SIDE)
def test_a_convolution_takes_k_k_m_n_f_f(m: int, n: int, k: int, f: int) -> None:
    """Howard et al. 2017, equation 2."""
    standard = convolution(m, n, k, f)
    assert standard.multiply_adds == k * k * m * n * f * f
    assert standard.parameters == k * k * m * n
    assert standard.activations == n * f * f


@given(c=st.integers(1, 16), g=st.sampled_from([1, 2, 3, 4, 8]), f=SIDE)
def test_g_groups_take_a_gth_of_the_multiply_adds_and_weights(c: int, g: int, f: int) -> None:
    whole, grouped = convolution(c * g, c * g, 3, f), convolution(c * g, c * g, 3, f, groups=g)
    assert (grouped.multiply_adds * g, grouped.parameters * g) == (whole.multiply_adds, whole.parameters)


@given(c1=CHANNELS, c2=CHANNELS, side=SIDE, size=st.sampled_from([1, 2, 4]))
def test_bytes_are_memory_access_by_the_size_of_an_element(c1: int, c2: int, side: int, size: int) -> None:
    pointwise = cost(kinds.Convolution(), (1, c1, side, side), (c2, c1, 1, 1), bytes_per_element=size)
    assert pointwise.memory_access == side * side * (c1 + c2) + c1 * c2
    assert pointwise.bytes_moved == size * pointwise.memory_access


def test_a_linear_layer() -> None:
    layer = cost(kinds.Linear(), (2, 10), (7, 10), (7,), bytes_per_element=4)
    assert (layer.multiply_adds, layer.parameters, layer.activations) == (2 * 10 * 7, 77, 14)
    assert layer.bytes_moved == 4 * (20 + 77 + 14)


@pytest.mark.parametrize(
    ("kind", "weights", "moved"),
    [
        (kinds.Activation("relu"), [], 48),
        (kinds.BatchNorm(), [(4,)] * 4, 48 + 16),
        (kinds.Add(), [(4, 1, 1)], 48 + 4),
        (kinds.Mean((2, 3), keep_axes=True), [], 24 + 4),
        (kinds.MaxPool((2, 3), (2, 3)), [], 24 + 4),
        (kinds.Slice(1, 1, 2), [], 6 + 6),
        (kinds.Split(1, (2, 2)), [], 48),
        (kinds.Transpose((0, 2, 1, 3)), [], 48),
        (kinds.Reshape((24,)), [], 0),
        (kinds.Identity(), [], 0),
    ],
)
def test_what_only_moves_or_touches_elements_has_bytes_and_no_multiply_adds(
    kind: Kind, weights: list[tuple[int, ...]], moved: int
) -> None:
    one = cost(kind, (1, 4, 2, 3), *weights)
    assert (one.bytes_moved, one.multiply_adds, one.activations) == (moved, 0, 0)


@pytest.mark.parametrize("name", [name for name in small_networks() if name != "odds and ends"])
def test_parameters_are_those_that_torch_counts(name: str) -> None:
    model = small_networks()[name]
    assert count(from_torch(model, (1, 3, 18, 22))).parameters == sum(each.numel() for each in model.parameters())


def test_totals_are_the_sums_of_the_rows() -> None:
    graph = from_torch(small_networks()["shuffle unit"], (1, 3, 18, 22))
    total = count(graph)
    assert tuple(row.op for row in total.rows) == graph.ops
    for name in ("parameters", "multiply_adds", "memory_access", "bytes_moved", "activations"):
        assert getattr(total, name) == sum(getattr(row, name) for row in total.rows) > 0
    assert total.bytes_moved == sum(row.bytes_read + row.bytes_written for row in total.rows)
    assert total.intensity == total.multiply_adds / total.bytes_moved


def test_a_second_image_doubles_the_work_and_no_parameters() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    one, two = (count(from_torch(model, (batch, 3, 8, 8))) for batch in (1, 2))
    assert (two.multiply_adds, two.parameters) == (2 * one.multiply_adds, one.parameters)


def test_a_frozen_parameter_still_counts() -> None:
    model = nn.Conv2d(3, 4, 1)
    model.weight.requires_grad_(False)
    assert count(from_torch(model, (1, 3, 2, 2))).parameters == 16
    assert torch.is_tensor(model.weight)


def test_elements_of_no_bytes_are_refused() -> None:
    with pytest.raises(BadInput, match="bytes per element must be a whole number above 0; got 0"):
        cost(kinds.Identity(), (1, 2), bytes_per_element=0)
