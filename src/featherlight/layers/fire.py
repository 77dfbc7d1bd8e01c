"""SqueezeNet's Fire module (Iandola et al. 2016, section 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from featherlight import spec
from featherlight.layers.convolution import ConvNorm


class Fire(nn.Module):
    """Squeeze to few channels, expand by 1x1 and 3x3 side by side; the 3x3 sees the squeezed channels alone."""

    def __init__(self, in_channels: int, row: spec.Fire, style: spec.Style) -> None:
        super().__init__()
        self.squeeze = ConvNorm(in_channels, row.squeeze, 1, style, activation="relu")
        self.expand1 = ConvNorm(row.squeeze, row.expand1, 1, style, activation="relu")
        self.expand3 = ConvNorm(row.squeeze, row.expand3, 3, style, activation="relu")
        self.bypass: nn.Module | None = None
        if row.bypass == "simple":
            self.bypass = nn.Identity()
        elif row.bypass == "complex":
            self.bypass = ConvNorm(in_channels, row.expand1 + row.expand3, 1, style)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, expand1 + expand3, H, W)."""
        squeezed = self.squeeze(x)
        y = torch.cat((self.expand1(squeezed), self.expand3(squeezed)), dim=1)
        return y if self.bypass is None else y + self.bypass(x)
