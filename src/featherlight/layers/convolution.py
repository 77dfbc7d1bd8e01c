"""A convolution with its norm and activation, in the style of its network."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextvars import ContextVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from featherlight.spec import Activation, Style

_ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "hard_swish": nn.Hardswish,
}


def activation(name: Activation) -> nn.Module:
    """The activation of that name; "none" is the identity."""
    return _ACTIVATIONS[name]()


class SamePadConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME: to ceil(size / stride), the odd pixel at the bottom right."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', ceil(H / stride), ceil(W / stride))."""
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        missing = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[-2:]]
        top, left = missing[0] // 2, missing[1] // 2
        x = F.pad(x, (left, missing[1] - left, top, missing[0] - top))
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class ConvNorm(nn.Module):
    """Convolution, norm, activation; under a style without norm, convolution with bias and activation.

    `padding` None is the style's: half the kernel on each side, or TensorFlow's SAME.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel: int,
        style: Style,
        *,
        stride: int = 1,
        groups: int = 1,
        activation: Activation = "none",
        padding: int | None = None,
    ) -> None:
        super().__init__()
        # At stride 1 an odd kernel pads alike in both styles.
        same = style.padding == "same" and padding is None and stride > 1
        self.conv = (SamePadConv2d if same else nn.Conv2d)(
            in_channels,
            channels,
            kernel,
            stride,
            0 if same else kernel // 2 if padding is None else padding,
            groups=groups,
            bias=style.norm == "none",
        )
        batch_norm = style.norm == "batch"
        self.norm = nn.BatchNorm2d(channels, style.epsilon, style.momentum) if batch_norm else nn.Identity()
        self.activation = _ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, channels, H', W')."""
        # torch.compile cannot follow a context variable, and fuses by itself.
        return in_turn(self, x) if torch.compiler.is_compiling() else conv_norm.get()(self, x)


def in_turn(module: ConvNorm, x: Tensor) -> Tensor:
    """The three parts of a ConvNorm one after the other."""
    y: Tensor = module.activation(module.norm(module.conv(x)))
    return y


# How every ConvNorm computes; training on a CPU puts kernels of its own in the place of PyTorch's.
conv_norm: ContextVar[Callable[[ConvNorm, Tensor], Tensor]] = ContextVar("conv_norm", default=in_turn)


def depthwise(channels: int, kernel: int, style: Style, *, stride: int = 1, activation: Activation) -> ConvNorm:
    """A convolution of each channel by itself (Howard et al. 2017, section 3.1)."""
    return ConvNorm(channels, channels, kernel, style, stride=stride, groups=channels, activation=activation)


def initialise(module: nn.Module) -> None:
    """Random weights for training from scratch: He's for convolutions (fan out), small ones for linear layers."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            # nn.init's kaiming_normal_ takes all channels for the fan of a grouped convolution, and would start
            # depthwise layers near zero.
            fan_out = layer.kernel_size[0] * layer.kernel_size[1] * layer.out_channels // layer.groups
            nn.init.normal_(layer.weight, std=math.sqrt(2 / fan_out))
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
