"""Operators that gather a window, a map or some axes into one element."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from featherlight.errors import BadInput
from featherlight.graph import kinds
from featherlight.graph.onnx_ops.call import Call, Ints, NotCanonical, Result, Shape, Value

Sizes = Sequence[int] | None


def pair(call: Call, what: str, values: Sizes, default: kinds.Pair = (1, 1)) -> kinds.Pair:
    """Two numbers above 0, or those of a default."""
    if values is None:
        return default
    if len(values) != 2 or min(values) < 1:
        raise BadInput(f"{call.where}: {what} must be two numbers above 0; got {tuple(values)}")
    return values[0], values[1]


def padding(
    call: Call,
    size: Shape,
    kernel: kinds.Pair,
    stride: kinds.Pair,
    dilation: kinds.Pair,
    auto_pad: str,
    pads: Sizes,
) -> kinds.Padding:
    """The frame around a map of this size. "Same" gives ceil(size / stride) windows, the odd one after or before."""
    if auto_pad in ("NOTSET", "VALID"):
        frame = tuple(pads or (0, 0, 0, 0)) if auto_pad == "NOTSET" else (0, 0, 0, 0)
        if len(frame) != 4 or min(frame) < 0:
            raise BadInput(f"{call.where}: pads must be four numbers, 0 or more; got {frame}")
        return frame[0], frame[1], frame[2], frame[3]
    if auto_pad not in ("SAME_UPPER", "SAME_LOWER"):
        raise BadInput(f"{call.where}: auto_pad must be NOTSET, VALID, SAME_UPPER or SAME_LOWER; got {auto_pad!r}")
    before, after = [], []
    for length, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        total = max(0, (-(-length // s) - 1) * s + d * (k - 1) + 1 - length)
        less, more = total // 2, total - total // 2
        before.append(less if auto_pad == "SAME_UPPER" else more)
        after.append(more if auto_pad == "SAME_UPPER" else less)
    return before[0], before[1], after[0], after[1]


def ceil_extra(
    size: Shape, kernel: kinds.Pair, stride: kinds.Pair, frame: kinds.Padding, dilation: kinds.Pair
) -> kinds.Pair:
    """What ceil mode needs besides at the bottom and right: a last window counts if it starts before that padding."""
    extra = [0, 0]
    for axis in range(2):
        before, after = frame[axis], frame[axis + 2]
        reach = dilation[axis] * (kernel[axis] - 1) + 1
        last = -(-(size[axis] + before + after - reach) // stride[axis])
        if last * stride[axis] >= size[axis] + before:
            last -= 1
        extra[axis] = max(0, last * stride[axis] + reach - size[axis] - before - after)
    return extra[0], extra[1]


def over_a_line(translate: Callable[..., Result]) -> Callable[..., Result]:
    """The translation for lines (N, C, L) as well, which are maps of height 1."""

    @wraps(translate)
    def either(call: Call, x: Value, *others: Value | None, **attributes: Any) -> Result:
        if len(x.shape) != 3:
            return translate(call, x, *others, **attributes)
        for name in ("kernel_shape", "strides", "dilations"):
            if len(given := attributes.get(name, ())) == 1:
                attributes[name] = (1, *given)
        if len(pads := attributes.get("pads", ())) == 2:
            attributes["pads"] = (0, pads[0], 0, pads[1])
        raised = [_raised(call, value) if value is not None and len(value.shape) == 3 else value for value in others]
        results = translate(call, _raised(call, x), *raised, **attributes)
        many = results if isinstance(results, tuple) else (results,)
        return tuple(y and call.add(kinds.Reshape((*y.shape[:2], y.shape[3])), y) for y in many)

    return either


def _raised(call: Call, x: Value) -> Value:
    return call.add(kinds.Reshape((*x.shape[:2], 1, x.shape[2])), x)


@over_a_line
def max_pool(
    call: Call,
    x: Value,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sizes = None,
    pads: Sizes = None,
    storage_order: int = 0,
    strides: Sizes = None,
) -> Result:
    """Ceil mode becomes padding; indices, a second output, are for unpooling and have no meaning here."""
    require_map(x)
    kernel, stride = pair(call, "kernel_shape", kernel_shape), pair(call, "strides", strides)
    dilation = pair(call, "dilations", dilations)
    frame = padding(call, x.shape[2:], kernel, stride, dilation, auto_pad, pads)
    extra = ceil_extra(x.shape[2:], kernel, stride, frame, dilation) if ceil_mode else (0, 0)
    whole = (frame[0], frame[1], frame[2] + extra[0], frame[3] + extra[1])
    pooled = call.add(kinds.MaxPool(kernel, stride, whole, dilation), x)
    return pooled if call.outputs == 1 else (pooled, None)


@over_a_line
def average_pool(
    call: Call,
    x: Value,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Sizes = None,
    pads: Sizes = None,
    strides: Sizes = None,
) -> Value:
    """What ceil mode adds never counts; where the padding does and both meet, the padding becomes an own operation."""
    require_map(x)
    kernel, stride = pair(call, "kernel_shape", kernel_shape), pair(call, "strides", strides)
    dilation = pair(call, "dilations", dilations)
    frame = padding(call, x.shape[2:], kernel, stride, dilation, auto_pad, pads)
    extra = ceil_extra(x.shape[2:], kernel, stride, frame, dilation) if ceil_mode else (0, 0)
    counted = bool(count_include_pad) and any(frame)
    if dilation != (1, 1):
        return _dilated(call, x, kernel, stride, dilation, frame, any(extra) or (any(frame) and not counted))
    if counted and any(extra):
        x = call.add(kinds.Pad((0, 0, *frame[:2]), (0, 0, *frame[2:])), x)
        frame, counted = (0, 0, 0, 0), False
    whole = (frame[0], frame[1], frame[2] + extra[0], frame[3] + extra[1])
    return call.add(kinds.AveragePool(kernel, stride, whole, counted), x)


def _dilated(
    call: Call,
    x: Value,
    kernel: kinds.Pair,
    stride: kinds.Pair,
    dilation: kinds.Pair,
    frame: kinds.Padding,
    uneven: bool,
) -> Value:
    """A depthwise convolution with equal weights, where every window counts as many elements."""
    if uneven:
        raise NotCanonical("dilated, with padding that does not count")
    channels = x.shape[1]
    share = np.full((), 1.0 / (kernel[0] * kernel[1]), np.float32)
    weight = call.filled(share, (channels, 1, *kernel))
    return call.add(kinds.Convolution(stride, frame, dilation, channels), x, weight)


def global_average_pool(call: Call, x: Value) -> Value:
    """The mean over the map."""
    return call.add(kinds.Mean(tuple(range(2, len(x.shape))), keep_axes=True), x)


def global_max_pool(call: Call, x: Value) -> Value:
    """A max pool with one window."""
    require_map(x)
    size = (x.shape[2], x.shape[3])
    return call.add(kinds.MaxPool(size, size), x)


def reduce_mean(call: Call, x: Value, axes: Ints = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Value:
    """No axes means all of them, or none if so asked."""
    given = call.integers("axes", axes)
    if not given:
        if noop_with_empty_axes:
            return call.add(kinds.Identity(), x)
        given = tuple(range(len(x.shape)))
    return call.add(kinds.Mean(tuple(sorted(call.axes(given, len(x.shape)))), bool(keepdims)), x)


def reduce_sum(call: Call, x: Value, axes: Ints = None, **arguments: Any) -> Value:
    """The mean, times how many there are."""
    mean = reduce_mean(call, x, axes, **arguments)
    before, after = np.prod(x.shape, dtype=float), np.prod(mean.shape, dtype=float)
    return call.add(kinds.Multiply(), mean, float(before / after))


def require_map(x: Value) -> None:
    """Maps have two axes beside batch and channels; volumes are said to be unknown rather than wrong."""
    if len(x.shape) == 5:
        raise NotCanonical("over 3 axes instead of 2")
