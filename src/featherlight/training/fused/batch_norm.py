"""Batch norm and its activation in two passes over memory.

PyTorch reads a map three times and writes it twice for both, and going back reads six and writes two; the kernels read
two and write one, and going back read four and write one. Statistics are summed in float64.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from featherlight.compiler.training import batch_norm
from featherlight.compiler.training.kernel import Kernel
from featherlight.training.fused.maps import compiled, hooked, last, served

_ACTIVATIONS: dict[type[nn.Module], str] = {
    nn.Identity: "none",
    nn.ReLU: "relu",
    nn.ReLU6: "relu6",
    nn.Hardswish: "hard_swish",
}


def batch_norm_activation(x: Tensor, norm: nn.Module, activation: nn.Module) -> Tensor:
    """What `activation(norm(x))` gives, running statistics and all: by the kernel where it serves."""
    if not _served(x, norm, activation):
        y: Tensor = activation(norm(x))
        return y
    assert isinstance(norm, nn.BatchNorm2d)  # it is served
    of_both = norm.weight, norm.bias, norm.eps, _ACTIVATIONS[type(activation)]
    y, mean, variance = _BatchNormActivation.apply(x, *of_both)  # type: ignore[no-untyped-call]
    if norm.track_running_stats:
        _track(norm, mean, variance, x.numel() // x.shape[1])
    return y


def _served(x: Tensor, norm: nn.Module, activation: nn.Module) -> bool:
    return (
        type(norm) is nn.BatchNorm2d
        and type(activation) in _ACTIVATIONS
        and norm.training
        and norm.affine
        and served(x)
        and norm.weight.dtype == norm.bias.dtype == torch.float32
        and x.shape[1] == norm.num_features
        and x.numel() > x.shape[1]  # of a single value a channel PyTorch says that it has no variance
        and not hooked(norm)
        and not hooked(activation)
        and _kernels(_ACTIVATIONS[type(activation)]) is not None
    )


@torch.no_grad()
def _track(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor, count: int) -> None:
    """Move the running statistics as nn.BatchNorm2d does."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    norm.num_batches_tracked.add_(1)
    share = 1 / norm.num_batches_tracked.item() if norm.momentum is None else norm.momentum
    norm.running_mean.mul_(1 - share).add_(mean, alpha=share)
    norm.running_var.mul_(1 - share).add_(variance, alpha=share * count / (count - 1))


_NOT_FINITE = np.errstate(invalid="ignore", over="ignore")  # such maps come through without a word, as in PyTorch


class _BatchNormActivation(torch.autograd.Function):
    """The map, normed and activated, with its mean and (biased) variance; backward recomputes it from x."""

    @staticmethod
    @_NOT_FINITE
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, epsilon: float, activation: str
    ) -> tuple[Tensor, Tensor, Tensor]:
        kernels = _kernels(activation)
        assert kernels is not None  # it is served
        channels, size = x.shape[1], x.numel()
        fold = batch_norm.fold(channels)
        width, parts = fold * channels, torch.get_num_threads()
        sums = np.empty((parts, 2, fold, channels))
        kernels["moments"](parts, size, width, x.data_ptr(), sums.ctypes.data)
        mean, square = sums.sum((0, 2)) * (channels / size)
        variance = np.maximum(square - mean * mean, 0)
        inverse = 1 / np.sqrt(variance + epsilon)
        lines = _lines(fold, mean, inverse * weight.detach().numpy(), bias.detach().numpy())
        y = torch.empty_like(x)
        kernels["forward"](parts, size, width, x.data_ptr(), y.data_ptr(), *_addresses(lines))
        ctx.save_for_backward(x)
        ctx.kernels, ctx.lines, ctx.inverse = kernels, lines, inverse
        moments = _tensor(mean), _tensor(variance)
        ctx.mark_non_differentiable(*moments)
        return y, *moments

    @staticmethod
    @once_differentiable
    @_NOT_FINITE
    def backward(ctx: Any, dy: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        lines, inverse = ctx.lines, ctx.inverse
        _, fold, channels = lines.shape
        size, width, parts = x.numel(), fold * channels, torch.get_num_threads()
        dy = last(dy)
        sums = np.empty((parts, 2, fold, channels))
        maps = size, width, x.data_ptr(), dy.data_ptr()
        ctx.kernels["slopes"](parts, *maps, *_addresses(lines), sums.ctypes.data)
        total, along = sums.sum((0, 2))
        dx = None
        if ctx.needs_input_grad[0]:
            dx = torch.empty_like(x)
            pull = lines[1, 0] * (-channels / size)
            rest = _lines(fold, along * inverse**2 * pull, total * pull)
            ctx.kernels["backward"](parts, *maps, *_addresses(lines), *_addresses(rest), dx.data_ptr())
        return dx, _tensor(along * inverse), _tensor(total), None, None


def _lines(fold: int, *each: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """One line of a wide row for each array that has a number for a channel: (arrays, fold, channels)."""
    lines = np.empty((len(each), fold, len(each[0])), np.float32)
    for line, numbers in zip(lines, each, strict=True):
        line[:] = numbers
    return lines


def _addresses(lines: NDArray[np.float32]) -> list[int]:
    return [lines.ctypes.data + place * lines[0].nbytes for place in range(len(lines))]


def _tensor(numbers: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(numbers.astype(np.float32))


@functools.cache
def _kernels(activation: str) -> dict[str, Kernel] | None:
    return compiled(functools.partial(batch_norm.kernels, activation))
