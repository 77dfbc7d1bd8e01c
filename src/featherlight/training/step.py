"""One step of training: forward, backward, and the optimiser's move."""

from __future__ import annotations

import contextlib
import math

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer

from featherlight.training.loss import loss as loss_of
from featherlight.training.optimisers import frozen_rows, optimiser_for, set_rate
from featherlight.training.recipe import Recipe


class Learner:
    """A network in training with what moves it.

    model      the network itself, whose weights move; over several processes `wrapped` is what is called
    weights    of the classes, see `loss.class_weights`
    teacher    in evaluation mode; its scores are learned as well
    bfloat16   the arithmetic of the forward pass, where it is safe
    """

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        accelerator: Accelerator | None = None,
        *,
        weights: Tensor | None = None,
        teacher: nn.Module | None = None,
        bfloat16: bool = False,
    ) -> None:
        self.model, self.recipe, self.teacher, self.bfloat16 = model, recipe, teacher, bfloat16
        self.weights = weights
        self._accelerator = accelerator
        self._frozen = frozen_rows(model, recipe)
        self._stilled = [p for row in self._frozen for p in row.parameters() if p.requires_grad]
        for parameter in self._stilled:
            parameter.requires_grad_(False)
        self.optimiser: Optimizer = optimiser_for(model, recipe)
        self.wrapped: nn.Module = model if accelerator is None else accelerator.prepare_model(model)

    def train(self) -> None:
        """Training mode, but for the rows that are frozen: their batch norm keeps its statistics."""
        self.model.train()
        for row in self._frozen:
            row.eval()

    def step(self, images: Tensor, targets: Tensor, rate: float, momentum: float) -> float:
        """Move the network one step down the loss of a batch; that loss, not finite where nothing was moved."""
        set_rate(self.optimiser, rate, momentum)
        self.optimiser.zero_grad(set_to_none=True)
        with self._arithmetic(images):
            taught = self._taught(images)
            loss = loss_of(self.wrapped(images), targets, self.recipe, self.weights, taught)
        value = self._over_processes(loss)
        if not math.isfinite(value):
            return value
        loss.backward()  # type: ignore[no-untyped-call]
        if self.recipe.clip:
            nn.utils.clip_grad_norm_([p for p in self.model.parameters() if p.grad is not None], self.recipe.clip)
        self.optimiser.step()
        return value

    def release(self) -> None:
        """Leave the network to others: no gradients, nothing frozen."""
        self.model.zero_grad(set_to_none=True)
        for parameter in self._stilled:
            parameter.requires_grad_(True)

    def _over_processes(self, loss: Tensor) -> float:
        # All processes must agree on whether the loss is finite: one that left the step alone would leave the others
        # waiting for its gradients.
        if self._accelerator is not None and self._accelerator.num_processes > 1:
            loss = self._accelerator.reduce(loss.detach(), "mean")
        return loss.item()

    def _taught(self, images: Tensor) -> Tensor | None:
        if self.teacher is None:
            return None
        with torch.no_grad():
            scores: Tensor = self.teacher(images)
        return scores

    def _arithmetic(self, images: Tensor) -> contextlib.AbstractContextManager[object]:
        return torch.autocast(images.device.type, torch.bfloat16) if self.bfloat16 else contextlib.nullcontext()


def in_format(model: nn.Module, memory_format: torch.memory_format) -> nn.Module:
    """The model itself, the weights of its convolutions laid out in memory as asked for."""
    return model.to(memory_format=memory_format)  # type: ignore[call-overload, no-any-return]  # torch's stub lacks it
