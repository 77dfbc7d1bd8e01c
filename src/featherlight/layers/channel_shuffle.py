"""The channel shuffle (Zhang et al. 2018, section 3.1)."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from torch import Tensor, nn


class ChannelShuffle(nn.Module):
    """Deals the channels of each group out to all groups: reshape to (groups, n), transpose, flatten."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape; channel g * n + i becomes channel i * groups + g."""
        batch, channels, height, width = x.shape
        grouped = x.reshape(batch, self.groups, channels // self.groups, height, width)
        return grouped.transpose(1, 2).reshape(batch, channels, height, width)


@dataclass(frozen=True)
class Halving:
    """How a map is split in halves of its channels, and how two halves, shuffled, become a map."""

    split: Callable[[Tensor], tuple[Tensor, Tensor]]
    shuffle: Callable[[Tensor, Tensor, nn.Module], Tensor]


def split(x: Tensor) -> tuple[Tensor, Tensor]:
    """(N, C, H, W) to two of (N, C / 2, H, W)."""
    left, right = x.chunk(2, dim=1)
    return left, right


def shuffle(left: Tensor, right: Tensor, dealt: nn.Module) -> Tensor:
    """Two of (N, C / 2, H, W) to (N, C, H, W), their channels as `dealt` deals them."""
    y: Tensor = dealt(torch.cat((left, right), dim=1))
    return y


PLAIN = Halving(split, shuffle)

# Training on a CPU puts one pass over memory in the place of each.
halving: ContextVar[Halving] = ContextVar("halving", default=PLAIN)  # it is frozen
