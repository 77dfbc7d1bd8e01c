"""ShuffleNet v1's unit (Zhang et al. 2018, figure 2 b and c)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from featherlight import spec
from featherlight.layers.channel_shuffle import ChannelShuffle
from featherlight.layers.convolution import ConvNorm, depthwise


class ShuffleUnit1(nn.Module):
    """Grouped 1x1, shuffle, depthwise, grouped 1x1; added to the input, or at stride 2 joined to its average pool.

    Without the shuffle each group would only ever see itself.
    """

    def __init__(self, in_channels: int, row: spec.ShuffleUnit1, style: spec.Style) -> None:
        super().__init__()
        made = row.channels if row.stride == 1 else row.channels - in_channels
        self.stride = row.stride
        self.reduce = ConvNorm(in_channels, row.middle, 1, style, groups=row.reduce_groups, activation="relu")
        self.shuffle = ChannelShuffle(row.groups) if row.shuffle and row.groups > 1 else nn.Identity()
        self.depthwise = depthwise(row.middle, 3, style, stride=row.stride, activation="none")
        self.expand = ConvNorm(row.middle, made, 1, style, groups=row.groups)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, channels, H', W')."""
        y = self.expand(self.depthwise(self.shuffle(self.reduce(x))))
        if self.stride == 1:
            added: Tensor = self.activation(x + y)
            return added
        pooled = F.avg_pool2d(x, 3, self.stride, padding=1)
        joined: Tensor = self.activation(torch.cat((y, pooled), dim=1))
        return joined
