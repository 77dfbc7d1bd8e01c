"""A running average of a network's weights, better than the last weights while the learning rate is high."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class Average:
    """A network whose weights and batch-norm statistics follow those of another one, `decay` of the old each step.

    In the first steps, when the old ones are of no use, less is kept: (1 + step) / (10 + step), TensorFlow's rule.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the model's weights as they are after `step` steps."""
        kept = min(self.decay, (1 + step) / (10 + step))
        mine: list[Tensor] = []
        new: list[Tensor] = []
        for old, tensor in zip(self.model.state_dict().values(), model.state_dict().values(), strict=True):
            if old.is_floating_point():
                mine.append(old)
                new.append(tensor)
            else:
                old.copy_(tensor)  # batch norm's count of steps
        torch._foreach_lerp_(mine, new, 1 - kept)
