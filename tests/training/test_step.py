from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from featherlight.training import Recipe
from featherlight.training.step import Learner

IMAGES = torch.randn(16, 1, 12, 12, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(16) % 3


def test_a_step_moves_against_the_gradient_of_the_smoothed_loss(network: nn.Module) -> None:
    recipe = Recipe(momentum=0.0, weight_decay=0.0, label_smoothing=0.1)
    parameter = next(network.parameters())
    before = parameter.detach().clone()
    loss = F.cross_entropy(network(IMAGES), LABELS, label_smoothing=0.1)
    (gradient,) = torch.autograd.grad(loss, parameter)
    assert Learner(network, recipe).step(IMAGES, LABELS, 0.3, 0.0) == pytest.approx(loss.item())
    assert torch.allclose(parameter, before - 0.3 * gradient, atol=1e-6)


def test_frozen_parameters_stay(network: nn.Module) -> None:
    frozen = next(network.parameters()).requires_grad_(False)
    before = frozen.clone()
    Learner(network, Recipe()).step(IMAGES, LABELS, 0.3, 0.9)
    assert torch.equal(frozen, before)
