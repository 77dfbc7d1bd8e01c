"""Receptive fields against what each output really depends on, found by changing one pixel at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from featherlight.cost import receptive_fields
from featherlight.graph import Builder, Graph, Tensor, evaluate, from_spec, from_torch, kinds
from featherlight.models import entry
from small_networks import small_networks

SIDE = 13


def convolved(builder: Builder, x: str, kernel: int, stride: int, dilation: int, padding: int) -> str:
    """A convolution of one channel to one, its weights all 1."""
    weight = builder.constant("w", np.ones((1, 1, kernel, kernel), np.float32))
    kind = kinds.Convolution((stride, stride), (padding,) * 4, (dilation, dilation))
    return builder.add(kind, [x, weight], "y")[0]


def seen_rows(graph: Graph) -> list[set[int]]:
    """For each row of the output, the rows of the image that change it."""
    zero = evaluate(graph, np.zeros((1, 1, SIDE, SIDE)))[0]
    seen: list[set[int]] = [set() for _ in range(zero.shape[2])]
    for row in range(SIDE):
        image = np.zeros((1, 1, SIDE, SIDE))
        image[:, :, row] = 1
        changed = (evaluate(graph, image)[0] != zero).any(axis=(0, 1, 3))
        for at in np.flatnonzero(changed):
            seen[at].add(row)
    return seen


LAYER = st.tuples(st.sampled_from([1, 2, 3, 5]), st.integers(1, 2), st.integers(1, 2), st.integers(0, 2))


@given(layers=st.lists(LAYER, min_size=1, max_size=3), shortcut=st.booleans())
def test_a_field_ends_where_the_last_pixels_that_count_are(
    layers: list[tuple[int, int, int, int]], shortcut: bool
) -> None:
    builder = Builder()
    y = x = builder.input("x", Tensor((1, 1, SIDE, SIDE)))
    for kernel, stride, dilation, padding in layers:
        reach, size = dilation * (kernel - 1) + 1, builder.tensors[y].shape[2]
        assume(reach <= size + 2 * padding and padding < reach)
        y = convolved(builder, y, kernel, stride, dilation, padding)
    if shortcut and builder.tensors[x] == builder.tensors[y]:
        (y,) = builder.add(kinds.Add(), [x, y], "sum")
    graph = builder.graph([y])
    field = receptive_fields(graph)[y].vertical
    for at, rows in enumerate(seen_rows(graph)):
        inside = range(max(0, at * field.stride + field.first), min(SIDE - 1, at * field.stride + field.last) + 1)
        assert rows <= set(inside)
        if rows and len(inside) == field.size:  # nothing of it lies in the padding
            assert {inside[0], inside[-1]} <= rows


def test_a_shortcut_around_a_convolution_is_the_wider_of_both() -> None:
    builder = Builder()
    x = builder.input("x", Tensor((1, 1, SIDE, SIDE)))
    (y,) = builder.add(kinds.Add(), [x, convolved(builder, x, 3, 1, 2, 2)], "sum")
    field = receptive_fields(builder.graph([y]))[y]
    assert (field.size, field.stride) == ((5, 5), (1, 1))


@pytest.mark.parametrize(
    ("kind", "size", "stride"),
    [
        (kinds.MaxPool((3, 2), (2, 1), (1, 0, 1, 0)), (3, 2), (2, 1)),
        (kinds.AveragePool((2, 2), (2, 2)), (2, 2), (2, 2)),
        (kinds.Activation("relu"), (1, 1), (1, 1)),
        (kinds.Pad((0, 0, 2, 0), (0, 0, 0, 1)), (1, 1), (1, 1)),
        (kinds.Slice(2, 1, 9, 3), (1, 1), (3, 1)),
        (kinds.Mean((1,), True), (1, 1), (1, 1)),
        (kinds.Mean((2, 3), True), (SIDE, SIDE), (0, 0)),
        (kinds.Transpose((0, 2, 3, 1)), (SIDE, SIDE), (0, 0)),
        (kinds.Reshape((1, SIDE * SIDE)), (SIDE, SIDE), (0, 0)),
        (kinds.Softmax(3), (SIDE, SIDE), (0, 0)),
    ],
)
def test_other_kinds(kind: kinds.Kind, size: tuple[int, int], stride: tuple[int, int]) -> None:
    builder = Builder()
    (y,) = builder.add(kind, [builder.input("x", Tensor((1, 1, SIDE, SIDE)))], "y")
    field = receptive_fields(builder.graph([y]))[y]
    assert (field.size, field.stride) == (size, stride)


def test_a_gate_lets_every_place_see_the_whole_image() -> None:
    builder = Builder()
    x = builder.input("x", Tensor((1, 4, SIDE, SIDE)))
    (mean,) = builder.add(kinds.Mean((2, 3), True), [x], "mean")
    (y,) = builder.add(kinds.Multiply(), [mean, x], "y")
    (z,) = builder.add(kinds.MaxPool((3, 3), (2, 2)), [y], "z")
    fields = receptive_fields(builder.graph([z]))
    assert fields[y].size == fields[z].size == (SIDE, SIDE)


def test_a_number_before_the_map_hides_nothing() -> None:
    builder = Builder()
    x = builder.input("x", Tensor((1, 4, SIDE, SIDE)))
    (y,) = builder.add(kinds.Subtract(), [builder.number("one", 1.0), x], "y")
    assert receptive_fields(builder.graph([y]))[y].size == (1, 1)


@pytest.mark.parametrize(("name", "size", "stride"), [("alexnet", 195, 32), ("mobilenet_v1", 315, 32)])
def test_known_networks(name: str, size: int, stride: int) -> None:
    """The fields before the global pool: AlexNet's is 195, MobileNet v1's 315 (Araujo et al. 2019, table 1)."""
    graph = from_spec(entry(name).build())
    fields = receptive_fields(graph)
    largest = max((field for field in fields.values() if field.stride[0]), key=lambda field: field.size)
    assert (largest.size, largest.stride) == ((size, size), (stride, stride))


def test_it_knows_every_idiom() -> None:
    for network in small_networks().values():
        graph = from_torch(network, (1, 3, 18, 22))
        fields = receptive_fields(graph)
        assert fields.keys() == {name for name in graph.tensors if name not in graph.constants}
        assert fields[graph.outputs[0]].size == (18, 22)
