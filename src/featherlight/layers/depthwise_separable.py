"""MobileNet v1's block (Howard et al. 2017, section 3.1)."""

from __future__ import annotations

from torch import Tensor, nn

from featherlight import spec
from featherlight.layers.convolution import ConvNorm, depthwise


class DepthwiseSeparable(nn.Module):
    """A depthwise and a pointwise convolution in place of a dense one: 1/N + 1/D^2 of its multiply-adds."""

    def __init__(self, in_channels: int, row: spec.DepthwiseSeparable, style: spec.Style) -> None:
        super().__init__()
        self.depthwise = depthwise(in_channels, row.kernel, style, stride=row.stride, activation=row.activation)
        self.pointwise = ConvNorm(in_channels, row.channels, 1, style, activation=row.activation)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, channels, H', W')."""
        y: Tensor = self.pointwise(self.depthwise(x))
        return y
