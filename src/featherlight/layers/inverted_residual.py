"""MobileNet v2's block, with v3's and MnasNet's squeeze-excite (Sandler et al. 2018; Howard et al. 2019)."""

from __future__ import annotations

from torch import Tensor, nn

from featherlight import spec
from featherlight.layers.convolution import ConvNorm, depthwise
from featherlight.layers.squeeze_excite import gate


class InvertedResidual(nn.Module):
    """Expand, depthwise, squeeze-excite, project: the shortcut joins the thin ends, and the projection is linear."""

    def __init__(self, in_channels: int, row: spec.InvertedResidual, style: spec.Style) -> None:
        super().__init__()
        inside = row.expanded or in_channels
        self.expand: nn.Module = nn.Identity()
        if row.expanded:
            self.expand = ConvNorm(in_channels, inside, 1, style, activation=row.activation)
        self.depthwise = depthwise(inside, row.kernel, style, stride=row.stride, activation=row.activation)
        self.squeeze_excite = gate(inside, row.squeeze_excite)
        self.project = ConvNorm(inside, row.channels, 1, style, activation="none" if row.linear else row.activation)
        self.skip = row.skip and row.stride == 1 and in_channels == row.channels

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, channels, H', W')."""
        y: Tensor = self.project(self.squeeze_excite(self.depthwise(self.expand(x))))
        return x + y if self.skip else y
