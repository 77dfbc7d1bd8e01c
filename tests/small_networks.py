"""Small torch modules with the idioms of the networks here and elsewhere: a traced graph must mean the same as each."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv_norm(c_in: int, c_out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch norm with statistics worth folding, ReLU6 in place."""
    norm = nn.BatchNorm2d(c_out)
    nn.init.uniform_(norm.running_mean, -1, 1)  # type: ignore[arg-type]
    nn.init.uniform_(norm.running_var, 0.5, 2)  # type: ignore[arg-type]
    convolution = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, norm, nn.ReLU6(inplace=True))


class Classified(nn.Module):
    """A body, then mean, dropout and a linear layer."""

    def __init__(self, body: nn.Module, channels: int) -> None:
        super().__init__()
        self.body, self.drop, self.fc = body, nn.Dropout(0.2), nn.Linear(channels, 5)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc(self.drop(self.body(x).mean([2, 3])))
        return y


class Residual(nn.Module):
    """A sum with the input, written in place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding="same", dilation=2)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        y += x
        return F.relu(y, inplace=True)


class SqueezeExcite(nn.Module):
    """MobileNet v3's gate, with its hard functions in pieces and whole."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(channels, 2, 1), nn.Conv2d(2, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate = F.hardswish(self.reduce(F.adaptive_avg_pool2d(x, 1)))
        gate = F.relu6(self.expand(gate) + 3.0) / 6
        return x * gate * F.hardsigmoid(x) + F.silu(x) - torch.sigmoid(x) * F.gelu(x)


class ShuffleUnit(nn.Module):
    """ShuffleNet v2's unit: half passes, half is convolved, then concat and shuffle."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = conv_norm(channels // 2, channels // 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        passed, seen = x.chunk(2, dim=1)
        n, channels, height, width = x.shape
        y = torch.cat((passed, self.branch(seen)), 1).view(n, 2, channels // 2, height, width)
        return torch.transpose(y, 1, 2).contiguous().view(n, -1, height, width)


class Fire(nn.Module):
    """SqueezeNet's module between ceil-mode pools."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, 2, 1)
        self.one, self.three = nn.Conv2d(2, 4, 1), nn.Conv2d(2, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.squeeze(F.max_pool2d(x, 3, 2, ceil_mode=True)))
        y = torch.cat([F.relu(self.one(y)), F.relu(self.three(y))], 1)
        return F.avg_pool2d(y, 3, 2, padding=1, ceil_mode=True)


class SamePadding(nn.Module):
    """TensorFlow's padding: the odd pixel at the bottom and right."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return F.hardtanh(self.conv(F.pad(x, (0, 1, 0, 1))), -0.5, 0.5)


class AlexNetLike(nn.Module):
    """Windows of unequal size in the adaptive pool, then flatten and two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 5, 2, 2), nn.ReLU(), nn.MaxPool2d(3, 2))
        self.avgpool = nn.AdaptiveAvgPool2d((3, 5))
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(60, 8), nn.ReLU(inplace=True), nn.Linear(8, 5))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))
        return y


class OddsAndEnds(nn.Module):
    """What else foreign modules write: slices, splits, permutations, limits, products with constants, softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(6, affine=False)
        self.register_buffer("scale", torch.linspace(0.5, 2.0, 6).reshape(6, 1, 1), persistent=False)
        self.weight = nn.Parameter(torch.randn(4, 6))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.cat([x, x[:, :, :].clamp(max=0.5), x[:, 1:3].clamp(min=-1), x[:, -1].unsqueeze(1)], 1)
        first, second = torch.split(y, [3, 6], 1)
        y = self.norm(second) * self.scale + F.channel_shuffle(second, 3)
        y = torch.sub(y, first.mean(1, keepdim=True), alpha=2) + (1 - y) / (y * y + 1.0)
        y = y.permute(0, 2, 3, 1).reshape(y.shape[0], -1, 6) @ self.weight.t()
        y = F.linear(torch.tanh(y), torch.ones(5, 4), torch.zeros(5))
        return torch.softmax(y.mean(1), dim=-1)


def small_networks() -> dict[str, nn.Module]:
    """A fresh one of each, in evaluation mode, for images (N, 3, 18, 22)."""
    torch.manual_seed(0)
    stem = conv_norm(3, 8, 3, 2)
    networks = {
        "depthwise separable": Classified(nn.Sequential(stem, conv_norm(8, 8, 3, groups=8), conv_norm(8, 6, 1)), 6),
        "residual": Classified(nn.Sequential(conv_norm(3, 6, 3), Residual(6)), 6),
        "squeeze-excite": Classified(nn.Sequential(conv_norm(3, 6, 3), SqueezeExcite(6)), 6),
        "shuffle unit": Classified(nn.Sequential(conv_norm(3, 8, 3), ShuffleUnit(8), ShuffleUnit(8)), 8),
        "fire": Classified(Fire(3), 8),
        "same padding": Classified(SamePadding(4), 4),
        "alexnet-like": AlexNetLike(),
        "odds and ends": OddsAndEnds(),
    }
    return {name: network.eval() for name, network in networks.items()}
