"""Operators that arrange elements anew: joining, parting, reshaping, transposing, padding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from featherlight.errors import BadInput
from featherlight.graph import kinds
from featherlight.graph.onnx_ops.call import Call, Ints, Known, NotCanonical, Result, Shape, Value


def identity(call: Call, x: Value) -> Value:
    """The value itself, under a name of its own only where it is computed."""
    return x if isinstance(x, Known) else call.add(kinds.Identity(), x)


def dropout(call: Call, x: Value, ratio: Any = None, training_mode: Value | None = None, **_: Any) -> Result:
    """Nothing, and a mask that keeps everything."""
    if training_mode is not None and call.number("training mode", training_mode):
        raise NotCanonical("in training")
    return (identity(call, x), call.filled(True, x.shape)) if call.outputs > 1 else identity(call, x)


def concat(call: Call, *tensors: Value, axis: int = 1) -> Value:
    """Concat; an axis is not said only before opset 4."""
    rank = len(tensors[0].shape)
    kept = [tensor for tensor in tensors if 0 not in tensor.shape] or list(tensors[:1])
    return kept[0] if len(kept) == 1 else call.add(kinds.Concat(call.axis(axis, rank)), *kept)


def split(call: Call, x: Value, split: Ints = None, *, axis: int = 0, num_outputs: int | None = None) -> Result:
    """Sizes as given; otherwise equal ones, the last smaller from opset 18 on."""
    axis = call.axis(axis, len(x.shape))
    size, parts = x.shape[axis], num_outputs or call.outputs
    sizes = call.integers("sizes", split)
    if sizes is None:
        part = -(-size // parts)
        sizes = (*(part,) * (parts - 1), size - part * (parts - 1))
        if call.opset < 18 and size % parts:
            raise BadInput(f"{call.where}: {size} elements must divide into {parts} equal parts")
    if len(sizes) != call.outputs:
        raise BadInput(f"{call.where}: number of outputs must be {len(sizes)}, one a size; got {call.outputs}")
    return call.add_many(kinds.Split(axis, sizes), x)


def slice_(call: Call, x: Value, starts: Ints, ends: Ints, axes: Ints = None, steps: Ints = None) -> Value:
    """One slice after the other; limits as Python has them, but beyond the ends where they are large."""
    first, stop = call.integers("starts", starts) or (), call.integers("ends", ends) or ()
    along = call.axes(call.integers("axes", axes) or range(len(first)), len(x.shape)) if first else ()
    step = call.integers("steps", steps) or (1,) * len(first)
    if not len(first) == len(stop) == len(along) == len(step) or 0 in step:
        raise BadInput(f"{call.where}: starts, ends, axes and steps must be as many and no step 0")
    cuts = {axis: slice(*limits) for axis, *limits in zip(along, first, stop, step, strict=True)}
    if isinstance(x, Known):
        return call.known(x.array[tuple(cuts.get(axis, slice(None)) for axis in range(len(x.shape)))])
    for axis, cut in cuts.items():
        begin, end, stride = cut.indices(x.shape[axis])
        if stride < 0:
            raise NotCanonical("backwards")
        if (begin, end, stride) != (0, x.shape[axis], 1):
            x = call.add(kinds.Slice(axis, begin, end, stride), x)
    return identity(call, x)


def gather(call: Call, x: Value, indices: Value, *, axis: int = 0) -> Value:
    """Of a known tensor its elements; of a computed one those at one index or at equal distances."""
    chosen = call.array("indices", indices)
    axis = call.axis(axis, len(x.shape))
    size = x.shape[axis]
    if chosen.dtype.kind not in "iu" or ((chosen < -size) | (chosen >= size)).any():
        raise BadInput(f"{call.where}: indices must be whole numbers from {-size} to {size - 1}")
    if isinstance(x, Known):
        call.reading.spend(chosen.size * math.prod(x.shape) // max(size, 1))
        return call.known(x.array.take(chosen, axis=axis))
    positions = [int(each) % size for each in chosen.reshape(-1)]
    distances = {after - before for before, after in pairwise(positions)} or {1}
    if chosen.ndim > 1 or not positions or len(distances) > 1 or min(distances) < 1:
        raise NotCanonical("of elements that do not lie at equal distances")
    part = call.add(kinds.Slice(axis, positions[0], positions[-1] + 1, distances.pop()), x)
    return part if chosen.ndim else call.add(kinds.Reshape(x.shape[:axis] + x.shape[axis + 1 :]), part)


def reshape(call: Call, x: Value, shape: Ints, *, allowzero: int = 0) -> Value:
    """0 keeps a size, -1 is what remains."""
    sizes = list(call.integers("shape", shape) or ())
    if not allowzero:
        if any(size == 0 and index >= len(x.shape) for index, size in enumerate(sizes)):
            raise BadInput(f"{call.where}: shape must keep sizes that are there; got {tuple(sizes)} for {x.shape}")
        sizes = [x.shape[index] if size == 0 else size for index, size in enumerate(sizes)]
    if sizes.count(-1) == 1:
        rest = -math.prod(sizes)
        sizes[sizes.index(-1)] = math.prod(x.shape) // rest if rest > 0 else 0
    return call.add(kinds.Reshape(tuple(sizes)), x)


def flatten(call: Call, x: Value, *, axis: int = 1) -> Value:
    """A matrix: sizes before the axis, sizes from it on."""
    if not -len(x.shape) <= axis <= len(x.shape):
        raise BadInput(f"{call.where}: axis must be at most {len(x.shape)} either way; got {axis}")
    cut = axis if axis >= 0 else axis + len(x.shape)
    return call.add(kinds.Reshape((math.prod(x.shape[:cut]), math.prod(x.shape[cut:]))), x)


def squeeze(call: Call, x: Value, axes: Ints = None) -> Value:
    """Axes of size 1 go: those given, or all."""
    given = call.integers("axes", axes)
    if given is None:
        given = tuple(axis for axis, size in enumerate(x.shape) if size == 1)
    gone = call.axes(given, len(x.shape))
    if any(x.shape[axis] != 1 for axis in gone):
        raise BadInput(f"{call.where}: axes must be of size 1; got {given} of {x.shape}")
    return call.add(kinds.Reshape(tuple(size for axis, size in enumerate(x.shape) if axis not in gone)), x)


def unsqueeze(call: Call, x: Value, axes: Ints) -> Value:
    """New axes of size 1, counted in the result."""
    given = call.integers("axes", axes) or ()
    new = call.axes(given, len(x.shape) + len(given))
    sizes = iter(x.shape)
    return call.add(kinds.Reshape(tuple(1 if i in new else next(sizes) for i in range(len(x.shape) + len(new)))), x)


def transpose(call: Call, x: Value, *, perm: Sequence[int] | None = None) -> Value:
    """Reversed where no order is given."""
    return call.add(kinds.Transpose(tuple(perm) if perm else tuple(reversed(range(len(x.shape))))), x)


def expand(call: Call, x: Value, shape: Ints) -> Value:
    """Only of constants, or to the shape that is there."""
    sizes = call.integers("shape", shape) or ()
    rank = max(len(sizes), len(x.shape))
    own, asked = (1,) * (rank - len(x.shape)) + x.shape, (1,) * (rank - len(sizes)) + sizes
    if any(1 not in (one, other) and one != other for one, other in zip(own, asked, strict=True)):
        raise BadInput(f"{call.where}: shape must broadcast with {x.shape}; got {sizes}")
    target = tuple(other if one == 1 else one for one, other in zip(own, asked, strict=True))
    if target == x.shape:
        return identity(call, x)
    if not isinstance(x, Known):
        raise NotCanonical("of a computed tensor")
    return call.filled(x.array, target)


def pad(
    call: Call,
    x: Value,
    pads: Ints,
    constant_value: Value | None = None,
    axes: Ints = None,
    *,
    mode: str = "constant",
    value: float = 0.0,
) -> Value:
    """First what is added before each axis, then what after."""
    if mode != "constant":
        raise NotCanonical(f"by {mode}")
    rank = len(x.shape)
    along = call.axes(call.integers("axes", axes) or range(rank), rank)
    amounts = call.integers("pads", pads) or ()
    if len(amounts) != 2 * len(along):
        raise BadInput(f"{call.where}: pads must be {2 * len(along)} numbers; got {len(amounts)}")
    if min(amounts, default=0) < 0:
        raise NotCanonical("by less than nothing")
    before, after = spread(rank, along, amounts[: len(along)]), spread(rank, along, amounts[len(along) :])
    fill = value if constant_value is None else call.number("value", constant_value)
    return call.add(kinds.Pad(before, after, fill), x)


def spread(rank: int, axes: Sequence[int], amounts: Sequence[int]) -> Shape:
    """The amounts at their axes, 0 elsewhere."""
    at = dict(zip(axes, amounts, strict=True))
    return tuple(at.get(axis, 0) for axis in range(rank))
