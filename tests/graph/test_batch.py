from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from featherlight.errors import BadInput
from featherlight.graph import check, evaluate, from_torch, with_batch
from small_networks import small_networks


@pytest.mark.parametrize("name", small_networks())
def test_another_batch_means_the_same_for_each_image(name: str) -> None:
    graph = from_torch(small_networks()[name], (1, 3, 18, 22))
    three = check(with_batch(graph, 3))
    x = np.random.default_rng(0).standard_normal((3, 3, 18, 22))
    alone = np.concatenate([evaluate(graph, image[None])[0] for image in x])
    np.testing.assert_allclose(evaluate(three, x)[0], alone, rtol=1e-9, atol=1e-9)


def test_there_and_back_is_the_same_graph() -> None:
    graph = from_torch(small_networks()["shuffle unit"], (2, 3, 18, 22))
    back = with_batch(with_batch(graph, 5), 2)
    assert (back.ops, back.tensors) == (graph.ops, graph.tensors)


class Mixes(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(-1)


class Frozen(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.ones(2, 3, 4, 4)


@pytest.mark.parametrize(
    ("model", "problem"),
    [(Mixes(), "must have one row an image"), (Frozen(), "add at add: operands must be of shapes that broadcast")],
)
def test_a_network_that_mixes_its_images_is_refused(model: nn.Module, problem: str) -> None:
    graph = from_torch(model, (2, 3, 4, 4))
    with pytest.raises(BadInput, match=problem):
        with_batch(graph, 3)


def test_a_batch_of_none_is_refused() -> None:
    with pytest.raises(BadInput, match="batch must be a whole number above 0; got 0"):
        with_batch(from_torch(nn.ReLU(), (1, 2)), 0)
