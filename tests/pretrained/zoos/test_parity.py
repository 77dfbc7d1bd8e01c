"""The 68 networks of the fixtures, each equal to the public one: its tensors, its answer, its counts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from featherlight.cost import count
from featherlight.graph import from_torch
from featherlight.layers import Network
from featherlight.pretrained.zoos import convert_state_dict, load_state_dict, twin
from goldens import counts, goldens, image, state_dict


def named(name: str) -> Network:
    """The network without memory for its weights: shapes alone."""
    with torch.device("meta"):
        return Network(twin(name).spec, architecture=name).eval()


def multiply_adds(model: nn.Module, x: Tensor) -> int:
    """Those of convolutions and fully connected layers, from the shapes that pass."""
    counted = 0

    def add(layer: nn.Module, _: Any, y: Tensor) -> None:
        nonlocal counted
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        counted += y.numel() * layer.weight[0].numel()

    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(add)
    model(x)
    return counted


def test_the_fixtures_hold_68_networks() -> None:
    assert len(counts()) == 68
    assert goldens().keys() == counts().keys()


@pytest.mark.parametrize("name", counts())
def test_parameters_and_multiply_adds_are_exact(name: str) -> None:
    model, x = named(name), torch.empty(1, 3, 224, 224, device="meta")
    parameters = sum(parameter.numel() for parameter in model.parameters())
    assert (parameters, multiply_adds(model, x)) == counts()[name]


@pytest.mark.parametrize(
    "name", ["torchvision:mobilenet_v3_small", "timm:mnasnet_small", "pytorchcv:shufflenet_g3_wd4"]
)
def test_the_graph_counts_the_same(name: str) -> None:
    cost = count(from_torch(named(name).to_empty(device="cpu")))
    assert (cost.parameters, cost.multiply_adds) == counts()[name]


@pytest.mark.parametrize("name", goldens())
def test_public_weights_mean_the_same(name: str) -> None:
    golden, model = goldens()[name], named(name).to_empty(device="cpu")
    load_state_dict(model, state_dict(name))
    with torch.inference_mode():
        scores = model(image())[0].double()
    shown = torch.tensor(golden["logits"], dtype=torch.float64)
    assert (scores[:12] - shown).norm() <= 1e-4 * golden["norm"]
    assert abs(scores.norm() - golden["norm"]) <= 1e-4 * golden["norm"]
    assert scores.argmax() == golden["argmax"]


@pytest.mark.parametrize("name", goldens())
def test_our_weights_take_the_zoos_names_and_shapes(name: str) -> None:
    model = named(name)
    theirs = convert_state_dict(model.state_dict(), model, to=name.partition(":")[0])
    listed = {key: list(value.shape) for key, value in theirs.items() if not key.endswith("num_batches_tracked")}
    assert listed == dict(goldens()[name]["tensors"])
