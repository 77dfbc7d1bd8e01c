"""Which tensors an operation defines, given those it reads. Errors say what does not fit; `infer` adds where."""

from __future__ import annotations

import math
from collections.abc import Callable

from featherlight.errors import BadInput, must_be
from featherlight.graph import kinds
from featherlight.graph.ir import Op, Tensor

Shape = tuple[int, ...]


def infer(op: Op, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The tensors that `op` defines when it reads `inputs`.

    Raises BadInput, which names the operation and where it came from, if the inputs do not fit.
    """
    fewest, most = ARITY.get(type(op.kind), (1, 1))
    try:
        if not fewest <= len(inputs) <= most:
            allowed = f"{fewest}" if fewest == most else f"at least {fewest}" if most == MANY else f"{fewest} to {most}"
            raise must_be("number of inputs", allowed, len(inputs))
        shapes = SHAPE[type(op.kind)](op.kind, *(tensor.shape for tensor in inputs))
    except BadInput as error:
        raise BadInput(f"{op}: {error}") from None
    return tuple(Tensor(shape, inputs[0].dtype) for shape in shapes)


def convolution(kind: kinds.Convolution, x: Shape, weight: Shape, bias: Shape | None = None) -> tuple[Shape, ...]:
    """(N, O, rows of windows, columns of windows)."""
    _require_map(x)
    if len(weight) != 4:
        raise must_be("weight", "of 4 dimensions", weight)
    if kind.groups < 1 or x[1] % kind.groups or weight[0] % kind.groups:
        raise must_be("groups", f"a divisor of {x[1]} input and {weight[0]} output channels", kind.groups)
    if weight[1] != x[1] // kind.groups:
        raise must_be("weight", f"for {x[1] // kind.groups} input channels a group", weight)
    _require_vector("bias", bias, weight[0])
    return ((x[0], weight[0], *windows(x, weight[2:], kind.stride, kind.padding, kind.dilation)),)


def linear(kind: kinds.Linear, x: Shape, weight: Shape, bias: Shape | None = None) -> tuple[Shape, ...]:
    """(..., O)."""
    if len(weight) != 2 or not x or weight[1] != x[-1]:
        raise must_be("weight", f"(outputs, {x[-1] if x else 'inputs'})", weight)
    _require_vector("bias", bias, weight[0])
    return ((*x[:-1], weight[0]),)


def batch_norm(kind: kinds.BatchNorm, x: Shape, *vectors: Shape) -> tuple[Shape, ...]:
    """As x, once the four vectors have its channels."""
    if len(x) < 2:
        raise must_be("input", "of 2 dimensions or more", x)
    for name, vector in zip(("weight", "bias", "mean", "variance"), vectors, strict=True):
        _require_vector(name, vector, x[1])
    return (x,)


def unchanged(kind: object, x: Shape) -> tuple[Shape, ...]:
    """As x."""
    return (x,)


def softmax(kind: kinds.Softmax | kinds.LogSoftmax, x: Shape) -> tuple[Shape, ...]:
    """As x."""
    _require_axis(kind.axis, x)
    return (x,)


def local_response_norm(kind: kinds.LocalResponseNorm, x: Shape) -> tuple[Shape, ...]:
    """As x."""
    if len(x) < 2:
        raise must_be("input", "of 2 dimensions or more", x)
    if kind.size < 1:
        raise must_be("size", "a number above 0", kind.size)
    return (x,)


def quantize(kind: kinds.Quantize, x: Shape, scale: Shape, zero_point: Shape) -> tuple[Shape, ...]:
    """As x."""
    for name, shape in (("scale", scale), ("zero point", zero_point)):
        if broadcast(kind, x, shape) != (x,):
            raise must_be(name, f"of a shape that broadcasts to {x}", shape)
    return (x,)


def broadcast(kind: object, a: Shape, b: Shape) -> tuple[Shape, ...]:
    """Each dimension the larger of the two, aligned from the right; one of them may be 1."""
    rank = max(len(a), len(b))
    pairs = list(zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True))
    if any(one != other and 1 not in (one, other) for one, other in pairs):
        raise must_be("operands", "of shapes that broadcast", (a, b))
    return (tuple(other if one == 1 else one for one, other in pairs),)


def max_pool(kind: kinds.MaxPool, x: Shape) -> tuple[Shape, ...]:
    """(N, C, rows of windows, columns of windows)."""
    _require_map(x)
    return ((*x[:2], *windows(x, kind.kernel, kind.stride, kind.padding, kind.dilation)),)


def average_pool(kind: kinds.AveragePool, x: Shape) -> tuple[Shape, ...]:
    """(N, C, rows of windows, columns of windows)."""
    _require_map(x)
    return ((*x[:2], *windows(x, kind.kernel, kind.stride, kind.padding, (1, 1))),)


def adaptive_average_pool(kind: kinds.AdaptiveAveragePool, x: Shape) -> tuple[Shape, ...]:
    """(N, C, height, width) with the size asked for."""
    _require_map(x)
    if min(kind.size) < 1:
        raise must_be("size", "two numbers above 0", kind.size)
    return ((*x[:2], *kind.size),)


def mean(kind: kinds.Mean, x: Shape) -> tuple[Shape, ...]:
    """X with the axes gone, or of size 1."""
    for axis in kind.axes:
        _require_axis(axis, x)
    if kind.keep_axes:
        return (tuple(1 if axis in kind.axes else size for axis, size in enumerate(x)),)
    return (tuple(size for axis, size in enumerate(x) if axis not in kind.axes),)


def concat(kind: kinds.Concat, first: Shape, *others: Shape) -> tuple[Shape, ...]:
    """The sizes along the axis added up."""
    axis = kind.axis
    _require_axis(axis, first)
    before, after = first[:axis], first[axis + 1 :]
    if any(len(s) != len(first) or s[:axis] != before or s[axis + 1 :] != after for s in others):
        raise must_be("inputs", f"equal in all dimensions but {axis}", (first, *others))
    return ((*before, sum(shape[axis] for shape in (first, *others)), *after),)


def split(kind: kinds.Split, x: Shape) -> tuple[Shape, ...]:
    """X once for each size."""
    _require_axis(kind.axis, x)
    if not kind.sizes or min(kind.sizes) < 1 or sum(kind.sizes) != x[kind.axis]:
        raise must_be("sizes", f"numbers above 0 that add up to {x[kind.axis]}", kind.sizes)
    return tuple(_with(x, kind.axis, size) for size in kind.sizes)


def slice_(kind: kinds.Slice, x: Shape) -> tuple[Shape, ...]:
    """X with fewer elements along the axis."""
    _require_axis(kind.axis, x)
    if not (0 <= kind.start < kind.stop <= x[kind.axis] and kind.step > 0):
        raise must_be("slice", f"within 0 to {x[kind.axis]} and not empty", f"{kind.start}:{kind.stop}:{kind.step}")
    return (_with(x, kind.axis, len(range(kind.start, kind.stop, kind.step))),)


def reshape(kind: kinds.Reshape, x: Shape) -> tuple[Shape, ...]:
    """The shape asked for, which must hold as many elements."""
    if math.prod(kind.shape) != math.prod(x) or (kind.shape and min(kind.shape) < 1):
        raise must_be("shape", f"of {math.prod(x)} elements, as {x}", kind.shape)
    return (kind.shape,)


def transpose(kind: kinds.Transpose, x: Shape) -> tuple[Shape, ...]:
    """The sizes in the new order."""
    if sorted(kind.permutation) != list(range(len(x))):
        raise must_be("permutation", f"an order of the {len(x)} dimensions", kind.permutation)
    return (tuple(x[axis] for axis in kind.permutation),)


def channel_shuffle(kind: kinds.ChannelShuffle, x: Shape) -> tuple[Shape, ...]:
    """As x, once its channels divide among the groups."""
    _require_axis(1, x)
    if kind.groups < 1 or x[1] % kind.groups:
        raise must_be("groups", f"a divisor of {x[1]} channels", kind.groups)
    return (x,)


def concat_shuffle_split(kind: kinds.ConcatShuffleSplit, *xs: Shape) -> tuple[Shape, ...]:
    """The joined map once for each size."""
    (joined,) = concat(kinds.Concat(1), *xs)
    return split(kinds.Split(1, kind.sizes), *channel_shuffle(kinds.ChannelShuffle(kind.groups), joined))


def pad(kind: kinds.Pad, x: Shape) -> tuple[Shape, ...]:
    """Each size and what is added to it."""
    if not len(kind.before) == len(kind.after) == len(x) or min((*kind.before, *kind.after), default=0) < 0:
        raise must_be("padding", f"{len(x)} numbers, 0 or more, on each side", (kind.before, kind.after))
    return (tuple(b + size + a for b, size, a in zip(kind.before, x, kind.after, strict=True)),)


def windows(x: Shape, kernel: Shape, stride: Shape, padding: kinds.Padding, dilation: Shape) -> Shape:
    """How many windows fit vertically and horizontally: floor((size + padding - reach) / stride) + 1."""
    if min(*kernel, *stride, *dilation) < 1 or min(padding) < 0:
        allowed = "numbers above 0 (padding 0 or more)"
        raise must_be("kernel, stride, dilation and padding", allowed, (kernel, stride, dilation, padding))
    padded = (x[2] + padding[0] + padding[2], x[3] + padding[1] + padding[3])
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    if reach[0] > padded[0] or reach[1] > padded[1]:
        raise must_be("kernel", f"at most {padded[0]}x{padded[1]}, the padded map", f"{reach[0]}x{reach[1]}")
    return tuple((size - r) // s + 1 for size, r, s in zip(padded, reach, stride, strict=True))


def _require_map(x: Shape) -> None:
    if len(x) != 4:
        raise must_be("input", "of 4 dimensions (batch, channels, height, width)", x)


def _require_axis(axis: int, x: Shape) -> None:
    if not 0 <= axis < len(x):
        raise must_be("axis", f"from 0 to {len(x) - 1}", axis)


def _require_vector(name: str, shape: Shape | None, size: int) -> None:
    if shape is not None and shape != (size,):
        raise must_be(name, f"a vector of {size}", shape)


def _with(x: Shape, axis: int, size: int) -> Shape:
    return (*x[:axis], size, *x[axis + 1 :])


SHAPE: dict[type[kinds.Kind], Callable[..., tuple[Shape, ...]]] = {
    kinds.Convolution: convolution,
    kinds.Linear: linear,
    kinds.BatchNorm: batch_norm,
    kinds.Activation: unchanged,
    kinds.Clip: unchanged,
    kinds.Softmax: softmax,
    kinds.LogSoftmax: softmax,
    kinds.LocalResponseNorm: local_response_norm,
    kinds.Quantize: quantize,
    kinds.Add: broadcast,
    kinds.Subtract: broadcast,
    kinds.Multiply: broadcast,
    kinds.Divide: broadcast,
    kinds.MaxPool: max_pool,
    kinds.AveragePool: average_pool,
    kinds.AdaptiveAveragePool: adaptive_average_pool,
    kinds.Mean: mean,
    kinds.Concat: concat,
    kinds.Split: split,
    kinds.Slice: slice_,
    kinds.Reshape: reshape,
    kinds.Transpose: transpose,
    kinds.ChannelShuffle: channel_shuffle,
    kinds.ConcatShuffleSplit: concat_shuffle_split,
    kinds.Pad: pad,
    kinds.Identity: unchanged,
}

MANY = 1 << 30

# Fewest and most inputs of the kinds that do not read exactly one.
ARITY: dict[type[kinds.Kind], tuple[int, int]] = {
    kinds.Convolution: (2, 3),
    kinds.Linear: (2, 3),
    kinds.BatchNorm: (5, 5),
    kinds.Quantize: (3, 3),
    kinds.Add: (2, 2),
    kinds.Subtract: (2, 2),
    kinds.Multiply: (2, 2),
    kinds.Divide: (2, 2),
    kinds.Concat: (1, MANY),
    kinds.ConcatShuffleSplit: (1, MANY),
}
