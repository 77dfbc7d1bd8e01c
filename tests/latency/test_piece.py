"""Networks cut into pieces: nothing is lost, and what stands together is what engines run as one."""

from __future__ import annotations

import numpy as np
import pytest

from featherlight.cost import count
from featherlight.graph import Builder, Graph, Tensor, canonical, check, from_torch, kinds
from featherlight.latency import pieces
from featherlight.latency.piece import FREE
from small_networks import small_networks

SHAPE = (1, 3, 18, 22)


@pytest.mark.parametrize("name", small_networks())
def test_every_operation_is_in_one_piece_and_costs_add_up(name: str) -> None:
    graph = from_torch(small_networks()[name], SHAPE)
    whole = canonical(graph)
    cut = pieces(graph)
    assert sum(len(piece.graph.ops) for piece in cut) == sum(not isinstance(op.kind, FREE) for op in whole.ops)
    assert sum(piece.multiply_adds for piece in cut) == count(whole).multiply_adds
    for piece in cut:
        check(piece.graph)
    written = {*graph.inputs, *(name for piece in cut for name in piece.writes)}
    assert all(name in written for piece in cut for name in piece.reads)


def residual(channels: int = 8, **late: str) -> Graph:
    """Two convolutions, a sum with what went in, and an activation; twice."""
    builder = Builder()
    x = builder.input("x", Tensor((1, channels, 6, 6)))
    for block in ("first", late.get("second", "second")):
        y = x
        for number, size in enumerate((1, 3)):
            weight = builder.constant(f"{block}_{number}", np.ones((channels, channels, size, size), np.float32))
            padding = (size // 2,) * 4
            (y,) = builder.add(kinds.Convolution(padding=padding), [y, weight], f"{block}_y", origin=block)
        (y,) = builder.add(kinds.Add(), [x, y], f"{block}_sum", origin=block)
        (x,) = builder.add(kinds.Activation("relu"), [y], f"{block}_relu", origin=block)
    return builder.graph([x])


def test_a_convolution_takes_the_sum_and_the_activation_along() -> None:
    first, second, third, fourth = pieces(residual())
    assert [type(op.kind).__name__ for op in second.graph.ops] == ["Convolution", "Add", "Activation"]
    assert [type(op.kind).__name__ for op in first.graph.ops] == ["Convolution"]
    assert (first.kind, second.kind) == ("convolution 1x1", "convolution 3x3")
    assert second.reads == (*first.writes, "x")
    assert third.reads == second.writes
    assert second.bytes_moved == 4 * (3 * 8 * 36 + 8 * 8 * 9)
    assert fourth.key == second.key  # the same is computed elsewhere


def test_a_key_says_what_and_never_where() -> None:
    assert [piece.key for piece in pieces(residual())] == [piece.key for piece in pieces(residual(second="elsewhere"))]
    assert not {piece.key for piece in pieces(residual())} & {piece.key for piece in pieces(residual(12))}


def test_what_another_reads_as_well_is_not_taken_along() -> None:
    builder = Builder()
    x = builder.input("x", Tensor((1, 4, 6, 6)))
    weight = builder.constant("weight", np.ones((4, 1, 1, 1), np.float32))
    (y,) = builder.add(kinds.Convolution(groups=4), [x, weight], "y")
    (z,) = builder.add(kinds.Activation("relu"), [y], "z")
    alone, activation = pieces(builder.graph([y, z]))
    assert (alone.kind, activation.kind) == ("depthwise convolution 1x1", "relu")


def test_another_shape_is_the_same_map() -> None:
    builder = Builder()
    x = builder.input("x", Tensor((1, 4, 6, 6)))
    (y,) = builder.add(kinds.Mean((2, 3), keep_axes=True), [x], "y")
    (flat,) = builder.add(kinds.Reshape((1, 4)), [y], "flat")
    weight = builder.constant("weight", np.ones((3, 4), np.float32))
    (z,) = builder.add(kinds.Linear(), [flat, weight], "z")
    mean, linear = pieces(builder.graph([z]))
    assert linear.reads == mean.writes
