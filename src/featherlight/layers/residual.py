"""ResNet's blocks (He et al. 2016, figure 5)."""

from __future__ import annotations

from torch import Tensor, nn

from featherlight import spec
from featherlight.layers.convolution import ConvNorm


class Residual(nn.Module):
    """Two 3x3 convolutions, or a 3x3 between two 1x1, beside a shortcut that is projected where shapes differ."""

    def __init__(self, in_channels: int, row: spec.Residual, style: spec.Style) -> None:
        super().__init__()
        if row.bottleneck:
            self.body = nn.Sequential(
                ConvNorm(in_channels, row.middle, 1, style, activation="relu"),
                ConvNorm(row.middle, row.middle, 3, style, stride=row.stride, activation="relu"),
                ConvNorm(row.middle, row.channels, 1, style),
            )
        else:
            self.body = nn.Sequential(
                ConvNorm(in_channels, row.middle, 3, style, stride=row.stride, activation="relu"),
                ConvNorm(row.middle, row.channels, 3, style),
            )
        self.shortcut: nn.Module = nn.Identity()
        if row.stride > 1 or in_channels != row.channels:
            self.shortcut = ConvNorm(in_channels, row.channels, 1, style, stride=row.stride)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, channels, H', W')."""
        y: Tensor = self.activation(self.body(x) + self.shortcut(x))
        return y
