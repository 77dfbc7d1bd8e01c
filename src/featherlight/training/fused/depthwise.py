"""Depthwise convolution that goes back in one pass over its maps, an image at a time, where PyTorch takes two."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from featherlight.compiler.training import depthwise
from featherlight.compiler.training.kernel import Kernel
from featherlight.training.fused.maps import compiled, empty, hooked, last, served


def convolve(convolution: nn.Conv2d, x: Tensor) -> Tensor:
    """What `convolution(x)` gives: by the kernel where it is depthwise and padded by half its odd side."""
    if not _served(convolution, x):
        y: Tensor = convolution(x)
        return y
    made: Tensor = _Depthwise.apply(x, convolution.weight, convolution.stride[0])  # type: ignore[no-untyped-call]
    return made


def _served(convolution: nn.Module, x: Tensor) -> bool:
    if type(convolution) is not nn.Conv2d:
        return False
    side, stride = convolution.kernel_size[0], convolution.stride[0]
    return (
        convolution.groups == convolution.in_channels == convolution.out_channels == x.shape[1] > 1
        and convolution.bias is None
        and convolution.training
        and side in (3, 5)
        and stride in (1, 2)
        and convolution.kernel_size == (side, side)
        and convolution.stride == (stride, stride)
        and convolution.padding == (side // 2, side // 2)
        and convolution.dilation == (1, 1)
        and convolution.padding_mode == "zeros"
        and served(x)
        and convolution.weight.dtype == torch.float32
        and not hooked(convolution)
        and _kernels(side, stride) is not None
    )


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int) -> Tensor:
        batch, channels, height, width = x.shape
        kernels = _kernels(weight.shape[-1], stride)
        assert kernels is not None  # it is served
        # A tap's weights of all channels side by side, and a row of zeros for what lies beyond the border.
        planes = weight.detach().flatten(1).T.contiguous()
        zeros = torch.zeros(width * channels)
        y = empty(batch, channels, (height - 1) // stride + 1, (width - 1) // stride + 1)
        maps = batch, height, width, channels, x.data_ptr(), planes.data_ptr(), zeros.data_ptr()
        kernels["forward"](torch.get_num_threads(), *maps, y.data_ptr())
        ctx.save_for_backward(x, weight)
        ctx.kernels, ctx.planes, ctx.zeros = kernels, planes, zeros
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, None]:
        x, weight = ctx.saved_tensors
        planes, zeros, dy = ctx.planes, ctx.zeros, last(dy)
        batch, channels, height, width = x.shape
        dx, parts = torch.empty_like(x), torch.get_num_threads()
        line, sums = (np.empty((parts, *planes.shape), kind) for kind in (np.float32, np.float64))
        maps = batch, height, width, channels, x.data_ptr(), planes.data_ptr(), zeros.data_ptr()
        ctx.kernels["backward"](parts, *maps, dy.data_ptr(), dx.data_ptr(), line.ctypes.data, sums.ctypes.data)
        return dx, torch.from_numpy(sums.sum(0).T.astype(np.float32)).reshape(weight.shape), None


@functools.cache
def _kernels(side: int, stride: int) -> dict[str, Kernel] | None:
    return compiled(functools.partial(depthwise.kernels, side, stride))
