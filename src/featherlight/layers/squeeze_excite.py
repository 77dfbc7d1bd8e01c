"""Squeeze-excite: each channel scaled by what the whole map says of it (Hu et al. 2018, arXiv 1709.01507)."""

from __future__ import annotations

from torch import Tensor, nn

from featherlight import spec


class SqueezeExcite(nn.Module):
    """Pool to 1x1, reduce, ReLU, expand, gate, scale; the two layers are 1x1 convolutions, as in the public weights."""

    def __init__(self, channels: int, row: spec.SqueezeExcite) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, row.channels, 1)
        self.activation = nn.ReLU()
        self.expand = nn.Conv2d(row.channels, channels, 1)
        self.gate = nn.Hardsigmoid() if row.gate == "hard_sigmoid" else nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        pooled = x.mean((2, 3), keepdim=True)
        scale: Tensor = self.gate(self.expand(self.activation(self.reduce(pooled))))
        return x * scale


def gate(channels: int, row: spec.SqueezeExcite | None) -> nn.Module:
    """Squeeze-excite as the row says, the identity where it says none."""
    return SqueezeExcite(channels, row) if row else nn.Identity()
