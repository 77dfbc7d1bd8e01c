from __future__ import annotations

import pytest

from featherlight.layers import Network
from featherlight.layers.shapes import weight_shapes
from featherlight.models import entry


@pytest.mark.parametrize(
    "name", ["squeezenet_1_0", "mobilenet_v3_small", "shufflenet_v1_g3", "shufflenet_v2_se", "resnet18"]
)
def test_the_shapes_are_those_of_the_network(name: str) -> None:
    spec = entry(name).build()
    state = Network(spec, 7, 2).state_dict()
    assert list(weight_shapes(spec, 7, 2).items()) == [(name, tuple(tensor.shape)) for name, tensor in state.items()]
