"""Operators that gather a window, a map or an axis into one element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from featherlight.graph import kinds
from featherlight.graph.aten.call import Call, Ints, NotCanonical, Result, Shape, pair


def max_pool2d(
    call: Call, x: str, kernel_size: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool
) -> str:
    """Ceil mode becomes padding at the bottom and right."""
    kernel, spread = pair(kernel_size), pair(dilation)
    step = pair(stride or kernel_size)
    frame, extra = pool_padding(call.shape(x), kernel, step, pair(padding), spread, ceil_mode)
    whole = (frame[0], frame[1], frame[2] + extra[0], frame[3] + extra[1])
    return call.add(kinds.MaxPool(kernel, step, whole, spread), x)


def max_pool2d_with_indices(call: Call, **arguments: Any) -> Result:
    """The indices are for unpooling and gradients."""
    return max_pool2d(call, **arguments), None


def avg_pool2d(
    call: Call,
    x: str,
    kernel_size: Ints,
    stride: Ints,
    padding: Ints,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> str:
    """What ceil mode adds never counts; where the padding does and both meet, the padding becomes an own operation."""
    if divisor_override is not None:
        raise NotCanonical("with a divisor of its own")
    kernel, step = pair(kernel_size), pair(stride or kernel_size)
    frame, extra = pool_padding(call.shape(x), kernel, step, pair(padding), (1, 1), ceil_mode)
    if not any(extra):
        return call.add(kinds.AveragePool(kernel, step, frame, count_include_pad and any(frame)), x)
    if count_include_pad and any(frame):
        x = call.add(kinds.Pad((0, 0, *frame[:2]), (0, 0, *frame[2:])), x)
        frame = (0, 0, 0, 0)
    return call.add(kinds.AveragePool(kernel, step, (*frame[:2], frame[2] + extra[0], frame[3] + extra[1])), x)


def pool_padding(
    x: Shape, kernel: kinds.Pair, stride: kinds.Pair, padding: kinds.Pair, dilation: kinds.Pair, ceil_mode: bool
) -> tuple[kinds.Padding, kinds.Pair]:
    """The padding asked for on four sides, and what ceil mode needs besides at the bottom and right.

    Ceil mode keeps a last, incomplete window if it starts inside the map or the padding before it.
    """
    extra = [0, 0]
    for axis in range(2) if ceil_mode else ():
        size, before, step = x[2 + axis], padding[axis], stride[axis]
        reach = dilation[axis] * (kernel[axis] - 1) + 1
        last = -(-(size + 2 * before - reach) // step)
        if last * step >= size + before:
            last -= 1
        extra[axis] = max(0, last * step + reach - size - 2 * before)
    return (*padding, *padding), (extra[0], extra[1])


def adaptive_avg_pool2d(call: Call, x: str, **_: Any) -> str:
    """One cell is a mean over the map, equal cells an average pool, a cell an element nothing at all."""
    shape, size = call.shape(x), call.shapes[0][-2:]
    if len(shape) != 4:
        raise NotCanonical("without a batch")
    if size == (1, 1):
        return call.add(kinds.Mean((2, 3), keep_axes=True), x)
    if size == shape[2:]:
        return call.add(kinds.Identity(), x)
    if (kernel := equal_cells(shape, size)) is not None:
        return call.add(kinds.AveragePool(kernel, kernel), x)
    return call.add(kinds.AdaptiveAveragePool((size[0], size[1])), x)


def adaptive_max_pool2d(call: Call, x: str, **_: Any) -> Result:
    """Only with equal cells."""
    kernel = equal_cells(call.shape(x), call.shapes[0][-2:])
    if kernel is None:
        raise NotCanonical("with unequal cells")
    return call.add(kinds.MaxPool(kernel, kernel), x), None


def equal_cells(x: Shape, size: Shape) -> kinds.Pair | None:
    """The size of the cells if a map of NCHW shape divides into `size` equal ones."""
    if len(x) != 4 or x[2] % size[0] or x[3] % size[1]:
        return None
    return x[2] // size[0], x[3] // size[1]


def mean(call: Call, x: str, dim: Sequence[int] | None = None, keepdim: bool = False, **_: Any) -> str:
    """No axes means all of them."""
    rank = len(call.shape(x))
    axes = tuple(sorted(axis % rank for axis in dim)) if dim else tuple(range(rank))
    return call.add(kinds.Mean(axes, keepdim), x)


def amax(call: Call, x: str, dim: Sequence[int], keepdim: bool) -> str:
    """Over a whole map it is a max pool with one window."""
    shape = call.shape(x)
    if len(shape) != 4 or sorted(axis % 4 for axis in dim) != [2, 3]:
        raise NotCanonical("over other axes than height and width")
    pooled = call.add(kinds.MaxPool((shape[2], shape[3]), (shape[2], shape[3])), x)
    return pooled if keepdim else call.add(kinds.Reshape(call.shapes[0]), pooled)
