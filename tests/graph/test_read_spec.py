from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from featherlight.cost import count
from featherlight.graph import Graph, check, evaluate, from_spec, from_torch
from featherlight.layers import Network
from featherlight.models import entry
from featherlight.spec import (
    Convolution,
    DepthwiseSeparable,
    Fire,
    InvertedResidual,
    Residual,
    Row,
    ShuffleUnit1,
    ShuffleUnit2,
    Spec,
    SqueezeExcite,
    small_images,
)

NAMES = (
    "squeezenet_1_1",
    "mobilenet_v3_small",
    "shufflenet_v1_g3",
    "shufflenet_v2_se_residual",
    "mnasnet_b1",
    "resnet18",
)


def told(graph: Graph) -> list[tuple[object, ...]]:
    return [
        (op.kind, op.origin, [t.shape for t in graph.tensors_in(op)], [t.shape for t in graph.tensors_out(op)])
        for op in graph.ops
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_joined_graph_is_the_traced_one(name: str) -> None:
    spec = small_images(entry(name).build())
    torch.manual_seed(0)
    network = Network(spec, 7, 1).eval()
    traced, joined = from_torch(network, (2, 1, 32, 32)), from_spec(spec, (2, 1, 32, 32), 7)
    check(joined)
    assert told(joined) == told(traced)
    assert count(joined).parameters == count(traced).parameters
    state = {name: tensor.numpy() for name, tensor in network.state_dict().items() if name in joined.constants}
    assert set(state) == set(joined.constants)
    images = np.random.default_rng(0).standard_normal((2, 1, 32, 32))
    (right,), (value,) = evaluate(traced, images), evaluate(replace(joined, constants=state), images)
    np.testing.assert_allclose(value, right, rtol=1e-6, atol=1e-9)


def test_what_was_traced_before_is_not_traced_again() -> None:
    spec = entry("mobilenet_v2").build(width=0.35)
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        from_spec(spec, (1, 3, 32, 32), 10)
        seconds.append(time.perf_counter() - start)
    assert seconds[1] < seconds[0] / 3


def test_random_numbers_stay_as_they_were() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    from_spec(entry("squeezenet_1_0").build(), (1, 3, 80, 80), 3)
    assert torch.equal(torch.rand(2), expected)


ROWS: tuple[tuple[Row, Row], ...] = (
    (Convolution(8, 3, 2), Convolution(13, 3, 2)),
    (DepthwiseSeparable(8), DepthwiseSeparable(12)),
    (InvertedResidual(6, 24, 5, 2), InvertedResidual(10, 9, 5, 2)),
    (InvertedResidual(6, None), InvertedResidual(10, None)),
    (InvertedResidual(6, 1, 7), InvertedResidual(10, 9, 7)),  # one channel: a depthwise convolution of one group
    (
        InvertedResidual(6, 24, squeeze_excite=SqueezeExcite(4), activation="hard_swish"),
        InvertedResidual(7, 18, squeeze_excite=SqueezeExcite(3), activation="hard_swish"),
    ),
    (Fire(2, 4, 4), Fire(3, 5, 7)),
    (ShuffleUnit1(32, 12, 2, 2, 2), ShuffleUnit1(40, 8, 2, 2, 2)),
    (ShuffleUnit2(16, 8, stride=2), ShuffleUnit2(20, 6, stride=2)),
    (Residual(8, 4), Residual(12, 6)),
    (Residual(8, 4, bottleneck=True), Residual(20, 5, bottleneck=True)),
)


@pytest.mark.parametrize(("first", "second"), ROWS, ids=lambda row: row.kind)
def test_a_row_that_differs_in_its_widths_is_what_tracing_it_gives(first: Row, second: Row) -> None:
    for rows in ((first,), (second,), (second, first)) if first.stride == 1 else ((first,), (second,)):
        if isinstance(first, ShuffleUnit1 | ShuffleUnit2) and len(rows) > 1:
            continue
        spec = Spec((Convolution(16, 3), *rows))
        traced = from_torch(Network(spec, 5, 2).eval(), (1, 2, 12, 12))
        joined = from_spec(spec, (1, 2, 12, 12), 5)
        check(joined)
        assert told(joined) == told(traced)


@pytest.mark.parametrize("halves", [(16, 6), (24, 9), (24, 12)])
def test_units_that_shuffle_are_resized_too(halves: tuple[int, int]) -> None:
    channels, middle = halves
    spec = Spec((Convolution(channels, 3), ShuffleUnit2(channels, middle), ShuffleUnit1(channels, 2 * middle, 2, 2)))
    assert told(from_spec(spec, (1, 2, 12, 12), 5)) == told(from_torch(Network(spec, 5, 2).eval(), (1, 2, 12, 12)))
