"""ShuffleNet v2's unit (Ma et al. 2018, figure 3 c and d)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from featherlight import spec
from featherlight.layers.channel_shuffle import PLAIN, ChannelShuffle, halving
from featherlight.layers.convolution import ConvNorm, depthwise
from featherlight.layers.squeeze_excite import gate


class ShuffleUnit2(nn.Module):
    """One half passes, the other is convolved; concatenated and shuffled they meet in the next unit.

    At stride 2 nothing is split: both branches see the whole input, and the channels double.
    """

    def __init__(self, in_channels: int, row: spec.ShuffleUnit2, style: spec.Style) -> None:
        super().__init__()
        half = row.channels // 2
        branch_in = half if row.stride == 1 else in_channels
        self.shortcut: nn.Module | None = None
        if row.stride > 1:
            self.shortcut = nn.Sequential(
                depthwise(in_channels, row.kernel, style, stride=row.stride, activation="none"),
                ConvNorm(in_channels, half, 1, style, activation="relu"),
            )
        self.reduce = ConvNorm(branch_in, row.middle, 1, style, activation="relu")
        self.depthwise = depthwise(row.middle, row.kernel, style, stride=row.stride, activation="none")
        self.expand = ConvNorm(row.middle, half, 1, style, activation="relu")
        self.squeeze_excite = gate(half, row.squeeze_excite)
        self.residual = row.residual and row.stride == 1
        self.shuffle = ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, channels, H', W')."""
        # torch.compile cannot follow a context variable, and fuses by itself.
        halves = PLAIN if torch.compiler.is_compiling() else halving.get()
        passed, seen = halves.split(x) if self.shortcut is None else (self.shortcut(x), x)
        y = self.squeeze_excite(self.expand(self.depthwise(self.reduce(seen))))
        if self.residual:
            y = y + seen
        return halves.shuffle(passed, y, self.shuffle)
