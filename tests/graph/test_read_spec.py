from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from featherlight.cost import count
from featherlight.errors import BadInput
from featherlight.graph import Graph, check, evaluate, from_spec, from_torch
from featherlight.graph.read_spec import from_network
from featherlight.layers import Network
from featherlight.models import entry
from featherlight.spec import (
    Convolution,
    DepthwiseSeparable,
    Fire,
    Head,
    InvertedResidual,
    Pool,
    Residual,
    Row,
    ShuffleUnit1,
    ShuffleUnit2,
    Spec,
    SqueezeExcite,
    Style,
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


@pytest.mark.parametrize("style", [Style(), Style(padding="same"), Style(norm="none")], ids=lambda style: style.padding)
@pytest.mark.parametrize("head", [Head(), Head(pool=2), Head("convolution"), Head(hidden=(9,))], ids=lambda h: h.kind)
def test_a_network_for_images_of_another_size_is_what_tracing_it_gives(head: Head, style: Style) -> None:
    gate = SqueezeExcite(4)
    rows = (Convolution(16, 3, 2), Pool(3, 2, ceil=True), ShuffleUnit2(16, 8), InvertedResidual(16, 24, 5, 2),
            InvertedResidual(16, 24, 5, squeeze_excite=gate), Fire(4, 8, 8, "simple"))  # fmt: skip
    spec = Spec(rows, head, style)
    for size in (30, 33, 64):
        joined = from_spec(spec, (1, 2, size, size), 5)
        check(joined)
        assert told(joined) == told(from_torch(Network(spec, 5, 2).eval(), (1, 2, size, size)))


def test_a_map_that_is_too_small_is_refused_also_where_the_row_was_traced_on_a_larger_one() -> None:
    spec = Spec((Convolution(8, 3, padding=0), Convolution(8, 5, padding=0)))
    from_spec(spec, (1, 3, 32, 32), 5)
    with pytest.raises(BadInput):
        from_spec(spec, (1, 3, 6, 6), 5)


@pytest.mark.parametrize("halves", [(16, 6), (24, 9), (24, 12)])
def test_units_that_shuffle_are_resized_too(halves: tuple[int, int]) -> None:
    channels, middle = halves
    spec = Spec((Convolution(channels, 3), ShuffleUnit2(channels, middle), ShuffleUnit1(channels, 2 * middle, 2, 2)))
    assert told(from_spec(spec, (1, 2, 12, 12), 5)) == told(from_torch(Network(spec, 5, 2).eval(), (1, 2, 12, 12)))


def test_a_network_of_ours_has_its_own_weights_in_its_graph_and_is_not_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = small_images(entry("mobilenet_v3_small").build(width=0.35))
    network = Network(spec, 7, 1).eval()
    from_network(Network(spec, 5, 1), (1, 1, 28, 28))
    with monkeypatch.context() as untraced:
        untraced.setattr(torch.export, "export", lambda *_: pytest.fail("traced again"))
        joined = from_network(network, (1, 1, 32, 32))
    assert joined is not None
    check(joined)
    images = np.random.default_rng(0).standard_normal((1, 1, 32, 32)).astype(np.float32)
    with torch.inference_mode():
        right = network(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(evaluate(joined, images)[0], right, rtol=1e-3, atol=1e-4)


def replaced(network: Network) -> None:
    network.rows[0] = nn.Conv2d(3, 8, 3, 2, 1)


def hooked(network: Network) -> None:
    network.rows[0].register_forward_hook(lambda *_: None)


def slower(network: Network) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.stride = (1, 1)


@pytest.mark.parametrize("altered", [replaced, hooked, slower])
def test_a_network_that_was_altered_must_be_traced(altered: Callable[[Network], None]) -> None:
    network = Network(Spec((Convolution(8, 3, 2),)), 2).eval()
    assert from_network(network, (1, 3, 16, 16)) is not None
    assert from_network(network, (1, 1, 16, 16)) is None
    altered(network)
    assert from_network(network, (1, 3, 16, 16)) is None


def test_other_modules_must_be_traced() -> None:
    spec = Spec((Convolution(8, 3, 2),))
    for other in (Network(spec, 0), Network(spec, 2, global_pool="max"), Network(spec, features_only=True), nn.ReLU()):
        assert from_network(other, (1, 3, 16, 16)) is None
