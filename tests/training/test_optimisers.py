from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from featherlight.layers import Network
from featherlight.models import entry
from featherlight.training import Recipe
from featherlight.training.optimisers import optimiser_for, set_rate
from featherlight.training.step import Learner

IMAGES = torch.randn(8, 1, 32, 32, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(8) % 3


def network() -> Network:
    torch.manual_seed(0)
    return Network(entry("mobilenet_v2").build(width=0.35), 3, 1)


@pytest.mark.parametrize("optimiser", ["sgd", "rmsprop", "adamw"])
def test_weights_decay_but_neither_biases_nor_batch_norm(optimiser: Any) -> None:
    # Without a gradient, decay is all that moves a parameter.
    model, recipe = network(), Recipe(optimiser=optimiser, weight_decay=0.5, momentum=0.0, learning_rate=0.1)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser_for(model, recipe).step()
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) is (parameter.ndim == 1)


def test_rmsprop_is_tensorflows() -> None:
    # By hand: the mean of squares begins at one, epsilon is inside the root, the rate is within the momentum.
    parameter = nn.Parameter(torch.tensor([1.0]))
    module = nn.Module()
    module.weight = parameter
    recipe = Recipe(optimiser="rmsprop", learning_rate=0.5, momentum=0.9, epsilon=0.1, weight_decay=0.0)
    optimiser = optimiser_for(module, recipe)
    value, square, move = 1.0, 1.0, 0.0
    for gradient, rate in ((2.0, 0.5), (-1.0, 0.25), (3.0, 0.25)):
        set_rate(optimiser, rate, 0.9)
        parameter.grad = torch.tensor([gradient])
        optimiser.step()
        square = 0.9 * square + 0.1 * gradient**2
        move = 0.9 * move + rate * gradient / math.sqrt(square + 0.1)
        value -= move
        assert parameter.item() == pytest.approx(value, rel=1e-6)


def test_rows_further_from_the_head_move_more_slowly() -> None:
    model = network()
    optimiser = optimiser_for(model, Recipe(layer_decay=0.5))
    set_rate(optimiser, 0.8, 0.9)
    rate_of = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    rates = {name: rate_of[id(parameter)] for name, parameter in model.named_parameters()}
    assert rates["head.classifier.weight"] == 0.8
    rows = len(model.rows)
    assert rates[f"rows.{rows - 1}.conv.weight"] == pytest.approx(0.4)
    assert rates["rows.0.conv.weight"] == pytest.approx(0.8 * 0.5**rows)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_frozen_rows_stay_as_they_are_statistics_included(share: float) -> None:
    model, recipe = network(), Recipe(freeze=share, learning_rate=0.1)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    learner = Learner(model, recipe)
    learner.train()
    learner.step(IMAGES, LABELS, 0.1, 0.9)
    frozen = round(share * len(model.rows))
    for name, tensor in model.state_dict().items():
        row = int(name.split(".")[1]) if name.startswith("rows.") else 10**6
        assert torch.equal(tensor, before[name]) is (row < frozen), name
    learner.release()
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())


def test_gradients_are_cut_to_the_length_asked_for() -> None:
    moved = {}
    for clip in (0.0, 1e-3):
        model = network()
        start = torch.cat([p.detach().flatten() for p in model.parameters()])
        recipe = Recipe(clip=clip, momentum=0.0, weight_decay=0.0)
        Learner(model, recipe).step(IMAGES, LABELS, 1.0, 0.0)
        moved[clip] = float((torch.cat([p.detach().flatten() for p in model.parameters()]) - start).norm())
    assert moved[1e-3] == pytest.approx(1e-3, rel=0.02)
    assert moved[0.0] > 1e-2


@pytest.mark.parametrize(("optimiser", "rate"), [("sgd", 0.02), ("rmsprop", 0.01), ("adamw", 0.003)])
def test_each_optimiser_learns(optimiser: Any, rate: float) -> None:
    model, recipe = network(), replace(Recipe(), optimiser=optimiser, weight_decay=1e-4)
    learner = Learner(model, recipe)
    learner.train()
    losses = [learner.step(IMAGES, LABELS, rate, 0.9) for _ in range(12)]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.8 * losses[0]
