"""What moves the weights: SGD, RMSprop as the papers used it, AdamW; each row of the network at its own rate."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from featherlight.training.recipe import Recipe

_ROW = re.compile(r"rows\.(\d+)\.")
RMSPROP_DECAY = 0.9  # of the running mean of squares, in all the papers that name it


def optimiser_for(model: nn.Module, recipe: Recipe) -> Optimizer:
    """The recipe's optimiser over the parameters that are not frozen.

    Those of one dimension (biases, batch norm) do not decay. Each group has a "scale", the share of the learning rate
    that its row moves at.
    """
    groups = list(_groups(model, recipe))
    rate, momentum = recipe.learning_rate, recipe.momentum
    # Fused: one call moves all parameters.
    if recipe.optimiser == "adamw":
        return AdamW(groups, lr=rate, betas=(momentum, 0.999), fused=True)
    if recipe.optimiser == "rmsprop":
        return RMSprop(groups, rate, momentum, recipe.epsilon)
    sgd = SGD(groups, lr=rate, momentum=momentum, nesterov=momentum > 0, fused=True)
    for parameter in (each for group in groups for each in group["params"] if momentum > 0):
        # torch begins all of a group at once: where a step moves only some, as in a supernet, the others are missed.
        sgd.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return sgd


def set_rate(optimiser: Optimizer, rate: float, momentum: float) -> None:
    """The learning rate and momentum of the next step."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["scale"]
        if "betas" in group:
            group["betas"] = (momentum, group["betas"][1])
        else:
            group["momentum"] = momentum


def frozen_rows(model: nn.Module, recipe: Recipe) -> list[nn.Module]:
    """The rows, from the image on, that the recipe leaves as they are; none in a module without rows."""
    rows = list(getattr(model, "rows", ()))
    return rows[: round(recipe.freeze * len(rows))]


def _groups(model: nn.Module, recipe: Recipe) -> Iterator[dict[str, Any]]:
    """Parameters by row and by whether they decay; the head, and whatever belongs to no row, at the whole rate."""
    depth = len(list(getattr(model, "rows", ())))
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            row = _ROW.match(name)
            above = depth - int(row[1]) if row and recipe.layer_decay < 1 else 0
            groups.setdefault((above, parameter.ndim > 1), []).append(parameter)
    for (above, decays), parameters in groups.items():
        yield {
            "params": parameters,
            "weight_decay": recipe.weight_decay if decays else 0.0,
            "scale": recipe.layer_decay**above,
        }


class RMSprop(Optimizer):
    """RMSprop in TensorFlow's form, for which the MobileNets' and MnasNet's learning rates were found.

    Three things differ from torch's: `epsilon` stands inside the root, the mean of squares begins at one, and the
    learning rate is in the momentum, so that a lower rate slows what is already moving.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], lr: float, momentum: float, epsilon: float) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "epsilon": epsilon, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        assert closure is None
        for group in self.param_groups:
            moving = [parameter for parameter in group["params"] if parameter.grad is not None]
            gradients: list[Tensor] = [parameter.grad for parameter in moving]
            if not moving:
                continue
            if group["weight_decay"]:
                gradients = list(torch._foreach_add(gradients, moving, alpha=group["weight_decay"]))
            squares = [self._state(parameter, "square", torch.ones_like) for parameter in moving]
            moves = [self._state(parameter, "move", torch.zeros_like) for parameter in moving]
            torch._foreach_mul_(squares, RMSPROP_DECAY)
            torch._foreach_addcmul_(squares, gradients, gradients, 1 - RMSPROP_DECAY)
            roots = list(torch._foreach_add(squares, group["epsilon"]))
            torch._foreach_sqrt_(roots)
            torch._foreach_mul_(moves, group["momentum"])
            torch._foreach_addcdiv_(moves, gradients, roots, group["lr"])
            torch._foreach_sub_(moving, moves)

    def _state(self, parameter: nn.Parameter, name: str, fresh: Callable[[Tensor], Tensor]) -> Tensor:
        state = self.state[parameter]
        if name not in state:
            state[name] = fresh(parameter)
        kept: Tensor = state[name]
        return kept
