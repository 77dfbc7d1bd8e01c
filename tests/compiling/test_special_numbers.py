"""Numbers that are no ordinary ones: NaN and infinity go where the reference says, denormals cost no time."""

from __future__ import annotations

import statistics
import time

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

import compiled_here
from featherlight.graph import Graph, evaluate, from_torch
from featherlight.layers import Network as Layers
from featherlight.models import entry
from featherlight_runtime import Network

SHAPE = (1, 3, 40, 40)


def maps(name: str) -> Graph:
    """A thin network of the registry whose outputs are its maps, so that not all is NaN in the end."""
    torch.manual_seed(0)
    model = Layers(entry(name).build(width=0.25), features_only=True).eval()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.bias, 0, 0.3)
    return from_torch(model, SHAPE)


@pytest.mark.parametrize("name", ["mobilenet_v2", "shufflenet_v2", "mobilenet_v3_small_minimalistic"])
def test_what_is_not_finite_goes_where_the_reference_says(name: str) -> None:
    graph = maps(name)
    with Network(compiled_here.program(graph), 2) as network:
        for special in (np.nan, np.inf, -np.inf):
            image = np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)
            image[0, 1, 3, 5] = special
            with np.errstate(all="ignore"):
                expected = evaluate(graph, image)
            for made, right in zip(network(image), expected, strict=True):
                finite = np.isfinite(right)
                np.testing.assert_array_equal(made[~finite], right[~finite])
                np.testing.assert_allclose(
                    made[finite], right[finite], atol=1e-4 * float(np.abs(right[finite]).max(initial=0))
                )
            assert np.isfinite(expected[0]).any()
            spared = all(np.isfinite(right).all() for right in expected)
            assert not spared or np.isinf(special)  # a clip stops what is infinite


def test_denormals_cost_less_than_twice() -> None:
    """They count as 0. No bias, so that what is denormal in the image is so in every map."""
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(3, 16, 3, 2, 1, bias=False),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, 1, 1, groups=16, bias=False),
        nn.Conv2d(16, 32, 1, bias=False),
        nn.Hardswish(),
        nn.Conv2d(32, 32, 3, 1, 1, bias=False),
        nn.MaxPool2d(2),
    ]
    image = np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)
    with Network(compiled_here.program(from_torch(nn.Sequential(*layers).eval(), SHAPE))) as network:
        ordinary, denormal = [], []
        for _ in range(60):
            ordinary.append(seconds(network, image))
            denormal.append(seconds(network, image * np.float32(1e-39)))
        assert not network(image * np.float32(1e-39)).any()
    assert statistics.median(denormal) < 2 * statistics.median(ordinary)


def seconds(network: Network, image: NDArray[np.float32]) -> float:
    start = time.perf_counter()
    network(image)
    return time.perf_counter() - start
