"""The split and the shuffle of ShuffleNet v2's units as one pass over memory each, forward and backward."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from featherlight.compiler.training import halves
from featherlight.compiler.training.kernel import Kernel
from featherlight.layers import channel_shuffle
from featherlight.layers.channel_shuffle import ChannelShuffle, Halving
from featherlight.training.fused.maps import compiled, empty, last, served


def split(x: Tensor) -> tuple[Tensor, Tensor]:
    """(N, C, H, W) to two of (N, C / 2, H, W)."""
    if not _fits(x) or x.shape[1] % 2:
        return channel_shuffle.split(x)
    left, right = _Split.apply(x)  # type: ignore[no-untyped-call]
    return left, right


def shuffle(left: Tensor, right: Tensor, dealt: nn.Module) -> Tensor:
    """Two of (N, C / 2, H, W) to (N, C, H, W), their channels taken in turn."""
    in_turn = type(dealt) is ChannelShuffle and dealt.groups == 2
    if not in_turn or not _fits(left, right) or left.shape != right.shape:
        return channel_shuffle.shuffle(left, right, dealt)
    both: Tensor = _Shuffle.apply(left, right)  # type: ignore[no-untyped-call]
    return both


HALVING = Halving(split, shuffle)


def _fits(*maps: Tensor) -> bool:
    # Where no gradient is asked for, a view of half the channels costs nothing.
    return torch.is_grad_enabled() and served(*maps) and _kernels() is not None


class _Split(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        return _in_two("split", x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, left: Tensor, right: Tensor) -> Tensor:
        return _in_one("join", left, right)


class _Shuffle(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor) -> Tensor:
        return _in_one("shuffle", left, right)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, both: Tensor) -> tuple[Tensor, Tensor]:
        return _in_two("deal", both)


def _in_one(kernel: str, left: Tensor, right: Tensor) -> Tensor:
    batch, half, height, width = left.shape
    both = empty(batch, 2 * half, height, width)
    _run(kernel, last(left), last(right), both)
    return both


def _in_two(kernel: str, both: Tensor) -> tuple[Tensor, Tensor]:
    batch, channels, height, width = both.shape
    left, right = (empty(batch, channels // 2, height, width) for _ in range(2))
    _run(kernel, left, right, last(both))
    return left, right


def _run(kernel: str, left: Tensor, right: Tensor, both: Tensor) -> None:
    kernels, half = _kernels(), left.shape[1]
    assert kernels is not None  # it was asked for
    maps = left.data_ptr(), right.data_ptr(), both.data_ptr()
    kernels[kernel](torch.get_num_threads(), left.numel() // half, half, *maps)


@functools.cache
def _kernels() -> dict[str, Kernel] | None:
    return compiled(halves.kernels)
