"""Operators that arrange elements anew: joining, parting, reshaping, transposing, padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from featherlight.graph import kinds
from featherlight.graph.aten.call import Call, NotCanonical, Result


def cat(call: Call, tensors: Sequence[str], dim: int) -> str:
    """Concat."""
    return call.add(kinds.Concat(dim % len(call.shapes[0])), *tensors)


def split(call: Call, x: str, dim: int, **_: Any) -> Result:
    """Chunk, split by a size and split by sizes alike: the sizes are those that torch traced."""
    axis = dim % len(call.shape(x))
    return call.add_many(kinds.Split(axis, tuple(shape[axis] for shape in call.shapes)), x)


def slice_(call: Call, x: str, dim: int, start: int | None, end: int | None, step: int) -> str:
    """Limits as Python has them: None, negative or beyond the end."""
    shape = call.shape(x)
    axis = dim % len(shape)
    first, stop, _ = slice(start, end, step).indices(shape[axis])
    if (first, stop, step) == (0, shape[axis], 1):
        return call.add(kinds.Identity(), x)
    return call.add(kinds.Slice(axis, first, stop, step), x)


def narrow(call: Call, x: str, dim: int, start: int, length: int) -> str:
    """A slice, told by its length."""
    return slice_(call, x, dim, start, start + length, 1)


def select(call: Call, x: str, dim: int, index: int) -> str:
    """One element along an axis, which goes."""
    axis = dim % len(call.shape(x))
    first = index % call.shape(x)[axis]
    return call.add(kinds.Reshape(call.shapes[0]), call.add(kinds.Slice(axis, first, first + 1), x))


def reshape(call: Call, x: str, **_: Any) -> str:
    """View, flatten, squeeze and unsqueeze alike: the shape is the one that torch traced."""
    return call.add(kinds.Reshape(call.shapes[0]), x)


def permute(call: Call, x: str, dims: Sequence[int]) -> str:
    """Transpose."""
    return call.add(kinds.Transpose(tuple(axis % len(dims) for axis in dims)), x)


def transpose(call: Call, x: str, dim0: int, dim1: int) -> str:
    """Two axes swapped."""
    order = list(range(len(call.shape(x))))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return call.add(kinds.Transpose(tuple(order)), x)


def t(call: Call, x: str) -> str:
    """The transpose of a matrix."""
    return permute(call, x, (1, 0)) if len(call.shape(x)) == 2 else call.add(kinds.Identity(), x)


def channel_shuffle(call: Call, x: str, groups: int) -> str:
    """Reshape, transpose, reshape (Zhang et al. 2018, section 3.1)."""
    n, channels, *size = call.shape(x)
    apart = call.add(kinds.Reshape((n, groups, channels // groups, *size)), x)
    swapped = call.add(kinds.Transpose((0, 2, 1, *range(3, 3 + len(size)))), apart)
    return call.add(kinds.Reshape(call.shapes[0]), swapped)


def pad(call: Call, x: str, pad: Sequence[int], value: float | None = None, mode: str = "constant") -> str:
    """Torch lists the sides from the last axis backwards, before and after in turn."""
    if mode != "constant":
        raise NotCanonical(f"by {mode}")
    if min(pad) < 0:
        raise NotCanonical("by less than nothing")
    others = (0,) * (len(call.shape(x)) - len(pad) // 2)
    before, after = (*others, *reversed(pad[::2])), (*others, *reversed(pad[1::2]))
    return call.add(kinds.Pad(before, after, float(value or 0.0)), x)
