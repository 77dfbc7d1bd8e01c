"""What an operation computes, in NumPy and float64: the judge of every faster way to compute it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from featherlight.graph import kinds
from featherlight.graph.activations import FUNCTIONS, Array
from featherlight.graph.rules.shape import windows


def convolution(kind: kinds.Convolution, x: Array, weight: Array, bias: Array | None = None) -> Array:
    """y[n, o, r, c] = bias[o] + sum over i, u, v of weight[o, i, u, v] x[n, i, r s + u d - top, c s + v d - left].

    One matrix product for each position (u, v) of the kernel; i runs over the channels of o's group.
    """
    n, groups = x.shape[0], kind.groups
    kernel = weight.shape[2:]
    height, width = windows(x.shape, kernel, kind.stride, kind.padding, kind.dilation)
    grouped = weight.reshape(groups, -1, *weight.shape[1:])
    total = np.zeros((n, groups, grouped.shape[1], height * width))
    for u, v, seen in _positions(x, kernel, kind.stride, kind.padding, kind.dilation, fill=0.0):
        total += grouped[..., u, v] @ seen.reshape(n, groups, -1, height * width)
    y = total.reshape(n, -1, height, width)
    return y if bias is None else y + bias[:, None, None]


def linear(kind: kinds.Linear, x: Array, weight: Array, bias: Array | None = None) -> Array:
    """X weight^T + bias."""
    y: Array = x @ weight.T
    return y if bias is None else y + bias


def batch_norm(kind: kinds.BatchNorm, x: Array, weight: Array, bias: Array, mean: Array, variance: Array) -> Array:
    """(x - mean) / sqrt(variance + epsilon) * weight + bias, for each channel."""
    scale = weight / np.sqrt(variance + kind.epsilon)
    along_channels = (-1, *(1,) * (x.ndim - 2))
    return x * scale.reshape(along_channels) + (bias - mean * scale).reshape(along_channels)


def softmax(kind: kinds.Softmax, x: Array) -> Array:
    """exp(x) / sum of exp(x), after taking away the largest so that nothing overflows."""
    e = np.exp(x - x.max(axis=kind.axis, keepdims=True))
    return np.asarray(e / e.sum(axis=kind.axis, keepdims=True))


def log_softmax(kind: kinds.LogSoftmax, x: Array) -> Array:
    """X - log of the sum of exp(x), after taking away the largest so that nothing overflows."""
    lowered = x - x.max(axis=kind.axis, keepdims=True)
    return np.asarray(lowered - np.log(np.exp(lowered).sum(axis=kind.axis, keepdims=True)))


def local_response_norm(kind: kinds.LocalResponseNorm, x: Array) -> Array:
    """Squares summed over `size` channels, by one shifted sum for each."""
    channels, before = x.shape[1], (kind.size - 1) // 2
    frame = [(0, 0)] * x.ndim
    frame[1] = (before, kind.size - 1 - before)
    squares = np.pad(x * x, frame)
    total = sum(squares[:, shift : shift + channels] for shift in range(kind.size))
    return np.asarray(x / (kind.bias + kind.alpha / kind.size * total) ** kind.beta)


def quantize(kind: kinds.Quantize, x: Array, scale: Array, zero_point: Array) -> Array:
    """Whole numbers from low to high."""
    return np.clip(np.rint(x / scale) + zero_point, kind.low, kind.high)


def max_pool(kind: kinds.MaxPool, x: Array) -> Array:
    """The largest of each window, over a map padded with minus infinity."""
    seen = _positions(x, kind.kernel, kind.stride, kind.padding, kind.dilation, fill=-np.inf)
    largest = next(seen)[2]
    for _, _, other in seen:
        largest = np.maximum(largest, other)
    return largest


def average_pool(kind: kinds.AveragePool, x: Array) -> Array:
    """The sum of each window over a map padded with zeros, divided by how many elements count."""

    def window_sums(of: Array) -> Array:
        seen = _positions(of, kind.kernel, kind.stride, kind.padding, (1, 1), fill=0.0)
        return np.asarray(sum(values for _, _, values in seen))

    if kind.count_padding:
        return window_sums(x) / float(kind.kernel[0] * kind.kernel[1])
    return window_sums(x) / window_sums(np.ones((1, 1, *x.shape[2:])))


def adaptive_average_pool(kind: kinds.AdaptiveAveragePool, x: Array) -> Array:
    """Means of rows, then of columns: two matrix products."""
    return np.asarray(averaging(x.shape[2], kind.size[0]) @ x @ averaging(x.shape[3], kind.size[1]).T)


def averaging(size: int, cells: int) -> Array:
    """The (cells, size) matrix that takes a line to the means of its adaptive pooling cells."""
    matrix = np.zeros((cells, size))
    for cell in range(cells):
        start, stop = cell * size // cells, -(-(cell + 1) * size // cells)
        matrix[cell, start:stop] = 1.0 / (stop - start)
    return matrix


def slice_(kind: kinds.Slice, x: Array) -> Array:
    """x[..., start:stop:step, ...]."""
    return x[(*(slice(None),) * kind.axis, slice(kind.start, kind.stop, kind.step))]


def split(kind: kinds.Split, x: Array) -> tuple[Array, ...]:
    """Views one after the other, of the sizes asked for."""
    return tuple(np.split(x, np.cumsum(kind.sizes)[:-1], axis=kind.axis))


def channel_shuffle(kind: kinds.ChannelShuffle, x: Array) -> Array:
    """Channels as a (groups, n) table, read column by column."""
    table = x.reshape(x.shape[0], kind.groups, -1, *x.shape[2:])
    return table.swapaxes(1, 2).reshape(x.shape)


def concat_shuffle_split(kind: kinds.ConcatShuffleSplit, *xs: Array) -> tuple[Array, ...]:
    """The three, one after the other."""
    shuffled = channel_shuffle(kinds.ChannelShuffle(kind.groups), np.concatenate(xs, axis=1))
    return split(kinds.Split(1, kind.sizes), shuffled)


def pad(kind: kinds.Pad, x: Array) -> Array:
    """X inside a frame of the constant."""
    return np.pad(x, list(zip(kind.before, kind.after, strict=True)), constant_values=kind.value)


def _positions(
    x: Array,
    kernel: tuple[int, ...],
    stride: tuple[int, int],
    padding: kinds.Padding,
    dilation: tuple[int, int],
    fill: float,
) -> Iterator[tuple[int, int, Array]]:
    """For each position (u, v) of a kernel, the elements (N, C, rows, columns) that it meets as the kernel slides."""
    rows, columns = windows(x.shape, kernel, stride, padding, dilation)
    top, left, bottom, right = padding
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=fill)
    for u in range(kernel[0]):
        for v in range(kernel[1]):
            row, column = u * dilation[0], v * dilation[1]
            row_stop, column_stop = row + (rows - 1) * stride[0] + 1, column + (columns - 1) * stride[1] + 1
            yield u, v, padded[:, :, row : row_stop : stride[0], column : column_stop : stride[1]]


# What a rule returns: one array, or a tuple of them where the kind has several outputs.
VALUE: dict[type[kinds.Kind], Callable[..., Any]] = {
    kinds.Convolution: convolution,
    kinds.Linear: linear,
    kinds.BatchNorm: batch_norm,
    kinds.Activation: lambda kind, x: FUNCTIONS[kind.function](x),
    kinds.Clip: lambda kind, x: np.clip(x, kind.low, kind.high),
    kinds.Softmax: softmax,
    kinds.LogSoftmax: log_softmax,
    kinds.LocalResponseNorm: local_response_norm,
    kinds.Quantize: quantize,
    kinds.Add: lambda kind, a, b: a + b,
    kinds.Subtract: lambda kind, a, b: a - b,
    kinds.Multiply: lambda kind, a, b: a * b,
    kinds.Divide: lambda kind, a, b: a / b,
    kinds.MaxPool: max_pool,
    kinds.AveragePool: average_pool,
    kinds.AdaptiveAveragePool: adaptive_average_pool,
    kinds.Mean: lambda kind, x: x.mean(axis=kind.axes, keepdims=kind.keep_axes),
    kinds.Concat: lambda kind, *xs: np.concatenate(xs, axis=kind.axis),
    kinds.Split: split,
    kinds.Slice: slice_,
    kinds.Reshape: lambda kind, x: x.reshape(kind.shape),
    kinds.Transpose: lambda kind, x: x.transpose(kind.permutation),
    kinds.ChannelShuffle: channel_shuffle,
    kinds.ConcatShuffleSplit: concat_shuffle_split,
    kinds.Pad: pad,
    kinds.Identity: lambda kind, x: x,
}
