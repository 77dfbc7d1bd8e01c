"""One step of training: forward, backward, and the optimiser's move."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from featherlight.training.recipe import Recipe


def optimiser_for(model: nn.Module, recipe: Recipe) -> Optimizer:
    """SGD over the model's parameters; those of one dimension (biases, batch norm) do not decay."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    # Fused: one call moves all parameters, so Ctrl-C finds them before a step or after it.
    return SGD(
        [group for group in groups if group["params"]],
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.momentum > 0,
        fused=True,
    )


def in_format(model: nn.Module, memory_format: torch.memory_format) -> nn.Module:
    """The model itself, the weights of its convolutions laid out in memory as asked for."""
    return model.to(memory_format=memory_format)  # type: ignore[call-overload, no-any-return]  # torch's stub lacks it


def take_step(
    model: nn.Module, optimiser: Optimizer, images: Tensor, labels: Tensor, recipe: Recipe, learning_rate: float
) -> float:
    """Move the model, in training mode, one step down the loss of a batch; that loss."""
    for group in optimiser.param_groups:
        group["lr"] = learning_rate
    optimiser.zero_grad(set_to_none=True)
    loss = F.cross_entropy(model(images), labels, label_smoothing=recipe.label_smoothing)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return loss.item()
