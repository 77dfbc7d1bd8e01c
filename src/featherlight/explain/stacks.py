"""The networks of ShuffleNet v2's four experiments: one block, over and over (Ma et al. 2018, section 2).

Convolutions stand bare, without bias, norm or activation, except where G4 is about activations.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def pairs(blocks: int, c1: int, c2: int) -> nn.Module:
    """G1: 1x1 convolutions from c1 to c2 channels and back."""
    return nn.Sequential(*(layer for _ in range(blocks) for layer in (_pointwise(c1, c2), _pointwise(c2, c1))))


def grouped(blocks: int, channels: int, groups: int) -> nn.Module:
    """G2: 1x1 convolutions in groups."""
    return nn.Sequential(*(_pointwise(channels, channels, groups) for _ in range(blocks)))


def series(blocks: int, channels: int, fragments: int) -> nn.Module:
    """G3: a block is one or more 1x1 convolutions, one after the other."""
    return nn.Sequential(*(_pointwise(channels, channels) for _ in range(blocks * fragments)))


def parallel(blocks: int, channels: int, fragments: int) -> nn.Module:
    """G3: a block is 1x1 convolutions side by side, which are added up."""
    return nn.Sequential(*(Parallel(channels, fragments) for _ in range(blocks)))


def bottlenecks(blocks: int, channels: int, relu: bool, shortcut: bool) -> nn.Module:
    """G4: ResNet's bottlenecks, with or without their ReLUs and shortcuts."""
    return nn.Sequential(*(Bottleneck(channels, relu, shortcut) for _ in range(blocks)))


class Parallel(nn.Module):
    """1x1 convolutions of one map, added up."""

    def __init__(self, channels: int, fragments: int) -> None:
        super().__init__()
        self.fragments = nn.ModuleList(_pointwise(channels, channels) for _ in range(fragments))

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) to the same."""
        first, *others = (fragment(x) for fragment in self.fragments)
        for other in others:
            first = first + other
        return torch.as_tensor(first)


class Bottleneck(nn.Module):
    """1x1 to a quarter of the channels, 3x3, 1x1 back (He et al. 2016, figure 5), with a shortcut or without."""

    def __init__(self, channels: int, relu: bool, shortcut: bool) -> None:
        super().__init__()
        middle = channels // 4
        self.reduce, self.expand = _pointwise(channels, middle), _pointwise(middle, channels)
        self.convolution = nn.Conv2d(middle, middle, 3, padding=1, bias=False)
        self.activation: nn.Module = nn.ReLU() if relu else nn.Identity()
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) to the same."""
        y = self.expand(self.activation(self.convolution(self.activation(self.reduce(x)))))
        z: Tensor = self.activation(y + x if self.shortcut else y)
        return z


def _pointwise(c1: int, c2: int, groups: int = 1) -> nn.Module:
    return nn.Conv2d(c1, c2, 1, groups=groups, bias=False)
