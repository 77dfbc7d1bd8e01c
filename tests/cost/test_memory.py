"""Peak memory against cases worked out by hand, and against bounds that hold for every network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from featherlight.cost import Memory, memory
from featherlight.graph import Builder, Graph, Tensor, from_torch, kinds, with_batch
from featherlight.layers import Network
from featherlight.spec import Spec
from small_networks import small_networks
from strategies import specs

RELU = kinds.Activation("relu")


def weight(builder: Builder, *shape: int) -> str:
    return builder.constant("w", np.zeros(shape, np.float32))


def convolved(builder: Builder, x: str, channels: int) -> str:
    """`x` through a 1x1 convolution to `channels`."""
    c_in = builder.tensors[x].shape[1]
    (y,) = builder.add(kinds.Convolution(), [x, weight(builder, channels, c_in, 1, 1)], "y")
    return y


def of(builder: Builder, outputs: Sequence[str]) -> tuple[int, int]:
    """Elements, rather than bytes, of weights and activations."""
    found = memory(builder.graph(outputs))
    return found.weights // 4, found.activations // 4


def test_an_operation_holds_what_it_reads_and_what_it_writes() -> None:
    builder = Builder()
    x = builder.input("x", Tensor((1, 3, 4, 4)))
    assert of(builder, [convolved(builder, x, 10)]) == (30, 16 * (3 + 10))


def test_what_was_read_for_the_last_time_makes_room() -> None:
    builder = Builder()
    y = convolved(builder, builder.input("x", Tensor((1, 3, 4, 4))), 10)
    z = convolved(builder, y, 8)
    assert of(builder, [z]) == (30 + 80, 16 * (10 + 8))  # x is gone by then


def test_a_shortcut_stays_until_it_is_added() -> None:
    """An inverted residual of 4 channels expanded to 24: x stays while 24 become 4 again; the sum takes a place."""
    builder = Builder()
    x = convolved(builder, builder.input("x", Tensor((1, 1, 4, 4))), 4)
    y = convolved(builder, convolved(builder, x, 24), 4)
    (total,) = builder.add(kinds.Add(), [x, y], "sum")
    assert of(builder, [total])[1] == 16 * (4 + 24 + 4)


def test_an_activation_writes_over_an_input_that_nobody_needs_later() -> None:
    builder = Builder()
    y = convolved(builder, builder.input("x", Tensor((1, 1, 4, 4))), 10)
    (z,) = builder.add(RELU, [y], "z")
    assert of(builder, [z])[1] == 16 * (1 + 10)
    assert of(builder, [z, y])[1] == 16 * (10 + 10)  # unless it is asked for


def test_a_broadcast_factor_is_not_written_over() -> None:
    builder = Builder()
    x = builder.input("x", Tensor((1, 8, 4, 4)))
    (mean,) = builder.add(kinds.Mean((2, 3), True), [x], "mean")
    (y,) = builder.add(kinds.Multiply(), [x, mean], "y")
    assert of(builder, [y])[1] == 8 * 16 + 8


def test_a_view_takes_nothing_and_keeps_what_it_looks_at() -> None:
    builder = Builder()
    y = convolved(builder, builder.input("x", Tensor((1, 1, 4, 4))), 10)
    (flat,) = builder.add(kinds.Reshape((1, 160)), [y], "flat")
    (same,) = builder.add(kinds.Identity(), [flat], "same")
    (scores,) = builder.add(kinds.Linear(), [same, weight(builder, 5, 160)], "scores")
    assert of(builder, [scores])[1] == max(16 + 160, 160 + 5)


def test_every_constant_counts_once_and_by_its_own_size() -> None:
    builder = Builder()
    x = builder.input("x", Tensor((1, 4, 4, 4)))
    shared = weight(builder, 4, 4, 1, 1)
    for _ in range(2):
        (x,) = builder.add(kinds.Convolution(), [x, shared], "y")
    half = builder.constant("half", np.zeros((4, 1, 1), np.float16))
    (x,) = builder.add(kinds.Multiply(), [x, half], "y")
    assert memory(builder.graph([x])).weights == 16 * 4 + 4 * 2


def test_a_network_without_operations_holds_its_input() -> None:
    builder = Builder()
    x = builder.input("x", Tensor((1, 3, 4, 4)))
    assert memory(builder.graph([x])) == Memory(0, 4 * 48, None)


def bounds(graph: Graph) -> tuple[int, int]:
    """The largest tensor beside the input it was made from at least; all tensors at once at most."""
    sizes = {name: tensor.elements * 4 for name, tensor in graph.tensors.items() if name not in graph.constants}
    return max(sizes.values()), sum(sizes.values())


@settings(max_examples=15)
@given(spec=specs(most_rows=4), batch=st.integers(2, 4))
def test_it_lies_between_the_largest_tensor_and_all_of_them_and_activations_grow_with_the_batch(
    spec: Spec, batch: int
) -> None:
    graph = from_torch(Network(spec, num_classes=3).eval(), (1, 3, 32, 32))
    found = memory(graph)
    least, most = bounds(graph)
    assert least <= found.activations <= most
    assert found.total == found.weights + found.activations
    larger = memory(with_batch(graph, batch))
    assert (larger.weights, larger.activations) == (found.weights, batch * found.activations)


def test_it_knows_every_idiom() -> None:
    for name, network in small_networks().items():
        graph = from_torch(network, (1, 3, 18, 22))
        least, most = bounds(graph)
        assert least <= memory(graph).activations <= most, name
