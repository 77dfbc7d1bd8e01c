"""Torch modules unlike any network that the compiler was made for: right, or refused by the operation's name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import compiled_here
from featherlight.errors import BadInput
from featherlight.graph import from_torch

Module = nn.Module


class Of(nn.Module):
    """Layers, and a function that says what becomes of an image with them."""

    def __init__(self, forward: Callable[..., object], *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self._forward = forward

    def forward(self, x: Tensor) -> object:
        return self._forward(x, *self.layers)


def shuffled(x: Tensor, groups: int) -> Tensor:
    n, channels, height, width = x.shape
    return x.view(n, groups, channels // groups, height, width).transpose(1, 2).reshape(n, channels, height, width)


def dilated_depthwise() -> Module:
    return nn.Sequential(
        nn.Conv2d(3, 12, 1),
        nn.Conv2d(12, 12, (3, 5), (2, 1), (2, 4), dilation=(2, 2), groups=12),
        nn.BatchNorm2d(12),
        nn.Hardswish(),
        nn.Conv2d(12, 12, 3, 1, 3, dilation=3, groups=12, bias=False),
        nn.Conv2d(12, 7, 1),
    )


def odd_groups() -> Module:
    return nn.Sequential(
        nn.Conv2d(3, 15, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(15, 21, 3, groups=3),
        nn.Conv2d(21, 35, 1, 2, groups=7),
        nn.SiLU(),
    )


def depthwise_that_multiplies() -> Module:
    return nn.Sequential(nn.Conv2d(3, 9, 3, padding=1, groups=3), nn.ReLU6(), nn.Conv2d(9, 18, 5, 2, groups=9))


def joined_widths() -> Module:
    def forward(x: Tensor, a: Module, b: Module, depthwise: Module, last: Module) -> object:
        y = torch.cat([a(x), x, b(x)], 1)
        return torch.cat([last(depthwise(y)), y], 1)

    return Of(forward, nn.Conv2d(3, 5, 3, 1, 1), nn.Conv2d(3, 12, 1), nn.Conv2d(20, 20, 3, 1, 1, groups=20),
              nn.Conv2d(20, 9, 1))  # fmt: skip


def shuffled_by_hand() -> Module:
    def forward(x: Tensor, first: Module, grouped: Module, last: Module) -> object:
        left, right = first(x).split([6, 24], 1)
        y = torch.cat([shuffled(torch.relu(right), 3), left], 1)
        return last(shuffled(grouped(shuffled(y, 5)), 2) + shuffled(y, 15))

    return Of(forward, nn.Conv2d(3, 30, 3, 2, 1), nn.Conv2d(30, 30, 1, groups=5), nn.Conv2d(30, 11, 1))


def squeezed() -> Module:
    def forward(x: Tensor, first: Module, depthwise: Module, down: Module, up: Module, last: Module) -> object:
        y = depthwise(F.silu(first(x)))
        gate = torch.sigmoid(up(F.silu(down(y.mean((2, 3), keepdim=True)))))
        return last(F.silu(y * gate)) + gate.mean()

    return Of(forward, nn.Conv2d(3, 20, 3, 2, 1), nn.Conv2d(20, 20, 5, 1, 2, groups=20), nn.Conv2d(20, 5, 1),
              nn.Conv2d(5, 20, 1), nn.Conv2d(20, 13, 1))  # fmt: skip


def rounded_up_pools() -> Module:
    return nn.Sequential(
        nn.Conv2d(3, 10, 3, padding=1),
        nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
        nn.MaxPool2d((2, 3), 2, (1, 0), ceil_mode=True),
        nn.AvgPool2d(2, 2, ceil_mode=True),
        nn.AdaptiveAvgPool2d((3, 2)),
    )


def residual_from_afar() -> Module:
    def forward(x: Tensor, stem: Module, a: Module, b: Module, pool: Module, last: Module) -> object:
        y = stem(x)
        branches = [torch.relu(a(y)), b(y), pool(y), y]
        z = sum(branches[1:], branches[0])
        z = last(z) - 0.5 * y
        return torch.relu(z + x.mean(1, keepdim=True)) + y

    return Of(forward, nn.Conv2d(3, 9, 3, 1, 1), nn.Conv2d(9, 9, 3, 1, 1, groups=9), nn.Conv2d(9, 9, (1, 7), 1, (0, 3)),
              nn.MaxPool2d(3, 1, 1), nn.Conv2d(9, 9, 1))  # fmt: skip


def two_outputs() -> Module:
    def forward(x: Tensor, first: Module, last: Module) -> tuple[Tensor, Tensor]:
        y = torch.relu(first(x))
        return last(y).mean((2, 3)), y

    return Of(forward, nn.Conv2d(3, 7, 3, 2, 1), nn.Conv2d(7, 4, 1))


def linear_first() -> Module:
    def forward(x: Tensor, linear: Module, convolution: Module) -> object:
        return convolution(linear(x.flatten(1)).view(-1, 6, 4, 4))

    return Of(forward, nn.Linear(3 * 17 * 14, 96), nn.Conv2d(6, 5, 3))


def channels_last_linear() -> Module:
    """A block as in ConvNeXt: a linear layer over the last axis."""

    def forward(x: Tensor, first: Module, depthwise: Module, wide: Module, narrow: Module) -> object:
        y = first(x)
        return y + narrow(F.gelu(wide(depthwise(y).permute(0, 2, 3, 1)))).permute(0, 3, 1, 2)

    return Of(forward, nn.Conv2d(3, 8, 4, 4), nn.Conv2d(8, 8, 7, 1, 3, groups=8), nn.Linear(8, 32), nn.Linear(32, 8))


def one_layer_twice() -> Module:
    def forward(x: Tensor, first: Module, again: Module) -> object:
        y = again(torch.tanh(again(first(x))))
        return torch.cat([again(y), y, y], 1)

    return Of(forward, nn.Conv2d(3, 6, 1), nn.Conv2d(6, 6, 3, 1, 1))


def rearranged_pixels() -> Module:
    """The focus of YOLO: every other pixel, as channels."""

    def forward(x: Tensor, last: Module) -> object:
        corners = [x[..., row:16:2, column:14:2] for row in (0, 1) for column in (0, 1)]
        return F.relu6(last(torch.cat(corners, 1)))

    return Of(forward, nn.Conv2d(12, 8, 3, 1, 1))


def norms_alone() -> Module:
    """Nothing but batch norms, activations and numbers on the input itself."""

    def forward(x: Tensor, norm: Module) -> object:
        return (torch.relu(norm(x)) * 3 - x).clamp(-1, 2) / 0.7 + torch.softmax(x, 1)

    return Of(forward, nn.BatchNorm2d(3))


def kernel_beyond_the_map() -> Module:
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(2), nn.Conv2d(3, 10, 7, 1, 3), nn.ReLU(), nn.Conv2d(10, 10, 5, 1, 2, groups=10)
    )


def thin() -> Module:
    """One channel all the way."""
    return nn.Sequential(
        nn.Conv2d(3, 1, 1), nn.Conv2d(1, 1, 3, 1, 1), nn.Hardsigmoid(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(56, 1)
    )


def padded_on_some_sides() -> Module:
    """Frames of zeros and of another number, wider on one side, and functions with slopes of their own."""
    return nn.Sequential(
        nn.ZeroPad2d((2, 0, 1, 3)),
        nn.Conv2d(3, 10, (2, 3), (1, 2)),
        nn.PReLU(10),
        nn.ConstantPad2d((0, 1, 2, 0), 0.5),
        nn.Conv2d(10, 10, (3, 2), groups=10),
        nn.LeakyReLU(0.2),
        nn.ZeroPad2d((0, 1, 0, 1)),
        nn.MaxPool2d(2),
    )


def pools_of_everything() -> Module:
    """Global pools beside each other, and what they make of shuffled halves."""

    def forward(x: Tensor, first: Module, most: Module, last: Module) -> tuple[Tensor, Tensor, Tensor]:
        left, right = shuffled(F.elu(first(x)), 2).chunk(2, 1)
        y = torch.cat([right, shuffled(torch.cat([left, right], 1), 4)], 1)
        pooled = torch.cat([most(y), y.mean((2, 3), keepdim=True), left.amax((2, 3), keepdim=True)], 1)
        return last(pooled).flatten(1), y, pooled

    return Of(forward, nn.Conv2d(3, 24, 3, 2, 1), nn.AdaptiveMaxPool2d(1), nn.Conv2d(84, 6, 1))


MODULES = {
    make.__name__: make
    for make in (dilated_depthwise, odd_groups, depthwise_that_multiplies, joined_widths, shuffled_by_hand, squeezed,
                 rounded_up_pools, residual_from_afar, two_outputs, linear_first, channels_last_linear, one_layer_twice,
                 rearranged_pixels, norms_alone, kernel_beyond_the_map, thin, padded_on_some_sides, pools_of_everything)
}  # fmt: skip
ONE_PIXEL = ("joined_widths", "shuffled_by_hand", "squeezed", "residual_from_afar", "two_outputs", "norms_alone",
             "pools_of_everything")  # fmt: skip


def made(make: Callable[[], Module]) -> Module:
    """The module with weights and running statistics like no fresh one's."""
    torch.manual_seed(0)
    module = make().eval()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            nn.init.normal_(layer.running_mean, 0, 0.3)
            nn.init.uniform_(layer.running_var, 0.5, 2)
            nn.init.normal_(layer.weight, 1, 0.3)
            nn.init.normal_(layer.bias, 0, 0.3)
    return module


def agrees(module: Module, shape: tuple[int, ...], threads: int = 1) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = module(x)
    found = compiled_here.run(from_torch(module, shape), x.numpy(), threads=threads)
    for result, right in zip(found, expected if isinstance(expected, tuple) else (expected,), strict=True):
        assert result.shape == right.shape
        assert float(right.norm()) > 0
        assert np.linalg.norm(result - right.numpy()) <= 1e-4 * float(right.norm())


@pytest.mark.parametrize("name", MODULES)
def test_a_module_never_seen_is_compiled(name: str) -> None:
    agrees(made(MODULES[name]), (1, 3, 17, 14))


@pytest.mark.parametrize("name", [name for name in MODULES if name not in ("linear_first", "thin")])
def test_for_several_images_at_once(name: str) -> None:
    agrees(made(MODULES[name]), (3, 3, 20, 16), threads=3)


@pytest.mark.parametrize("name", ONE_PIXEL)
def test_for_an_image_of_one_pixel(name: str) -> None:
    agrees(made(MODULES[name]), (1, 3, 1, 1))


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.ConvTranspose2d(4, 3, 2, 2)), "conv_transpose|ConvTranspose"),
        (nn.Upsample(scale_factor=2), "upsample|interpolate"),
        (Of(lambda x: x.flatten(2) @ x.flatten(2).transpose(1, 2)), "matmul|bmm"),
        (nn.Conv3d(3, 4, 1), "conv3d|Convolution"),
        (Of(lambda x: torch.fft.fft(x).real), "fft"),
        (Of(lambda x: x.cumsum(1)), "cumsum"),
    ],
    ids=["transposed", "upsampled", "product", "volume", "fourier", "cumulative"],
)
def test_what_no_kernel_computes_is_named(module: Module, words: str) -> None:
    shape = (1, 3, 4, 8, 8) if isinstance(module, nn.Conv3d) else (1, 3, 8, 8)
    with pytest.raises(BadInput, match=words) as told:
        compiled_here.program(from_torch(module.eval(), shape))
    assert "\n" not in str(told.value)
