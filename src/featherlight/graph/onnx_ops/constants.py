"""Operators that are known while the model is read: constants, shapes, and arithmetic on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import helper

from featherlight.errors import BadInput
from featherlight.graph import kinds
from featherlight.graph.onnx_ops.arranging import identity
from featherlight.graph.onnx_ops.call import MOST_FOLDED, Call, Ints, Known, NotCanonical, Value

Array = npt.NDArray[Any]


def constant(
    call: Call,
    *,
    value: Array | None = None,
    value_float: float | None = None,
    value_floats: Sequence[float] | None = None,
    value_int: int | None = None,
    value_ints: Sequence[int] | None = None,
) -> Value:
    """Whichever of the forms is given."""
    if value is not None:
        return call.known(value)
    for dtype, given in (("float32", (value_float, value_floats)), ("int64", (value_int, value_ints))):
        for each in given:
            if each is not None:
                return call.known(np.array(each, dtype=dtype))
    raise NotCanonical("of no number")


def constant_of_shape(call: Call, shape: Ints, *, value: Array | None = None) -> Value:
    """One value throughout, float32 zero by default."""
    if value is not None and value.size != 1:
        raise BadInput(f"{call.where}: value must be one number; got {value.size}")
    fill = np.zeros((), np.float32) if value is None else value.reshape(())
    return call.filled(fill, call.integers("shape", shape) or ())


def shape(call: Call, x: Value, *, start: int = 0, end: int | None = None) -> Value:
    """The shape, which a graph always knows, or a part of it."""
    return call.known(np.array(x.shape[start:end], dtype=np.int64))


def size(call: Call, x: Value) -> Value:
    """How many elements there are."""
    return call.known(np.array(np.prod(x.shape, dtype=np.int64)))


def range_(call: Call, start: Value, limit: Value, delta: Value) -> Value:
    """Numbers at equal distances."""
    first, stop, step = (call.array("limits", value).reshape(-1)[:1] for value in (start, limit, delta))
    count = (
        np.ceil((stop.astype(float) - first) / step) if step.all() and first.size and stop.size else np.array([-1.0])
    )
    if count.size != 1 or not 0 <= count[0] <= MOST_FOLDED:
        raise BadInput(f"{call.where}: limits must be three numbers, {MOST_FOLDED} steps apart at most")
    call.reading.spend(int(count[0]))
    return call.known((first + np.arange(int(count[0])) * step).astype(first.dtype))


def cast(call: Call, x: Value, *, to: int, **_: Any) -> Value:
    """Of a known tensor; of a computed one only what stays exact in float32."""
    try:
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(to))
    except KeyError:
        raise NotCanonical(f"to type {to}") from None
    if dtype.name not in ("float16", "float32", "float64") and dtype.kind not in "iub":
        raise NotCanonical(f"to {dtype.name}")
    floating = "float" in dtype.name
    if isinstance(x, Known):
        call.reading.spend(x.array.size)
        return call.known(x.array.astype(dtype))
    if not floating and x.dtype != dtype.name:
        raise NotCanonical(f"from {x.dtype} to {dtype.name}")
    return call.add(kinds.Identity(), x, dtype="float32" if floating else x.dtype)


def cast_like(call: Call, x: Value, like: Value, **_: Any) -> Value:
    """Cast to what another tensor is."""
    return cast(call, x, to=helper.np_dtype_to_tensor_dtype(np.dtype(like.dtype)))


def known(function: Callable[..., Any]) -> Callable[..., Value]:
    """A translation of an operator that is only ever computed while reading: NumPy's function of known tensors."""

    def translate(call: Call, *inputs: Value) -> Value:
        arrays = [call.array("an operand", value) for value in inputs]
        try:
            call.reading.spend(int(np.prod(np.broadcast_shapes(*(array.shape for array in arrays)), dtype=float)))
            return call.known(np.asarray(function(*arrays)))
        except (TypeError, ValueError) as error:
            raise BadInput(f"{call.where}: operands must fit; got {error}") from None

    return translate


def reduce_prod(call: Call, x: Value, axes: Ints = None, *, keepdims: int = 1, **_: Any) -> Value:
    """How many elements a shape has."""
    array = call.array("its input", x)
    along = call.axes(call.integers("axes", axes) or range(array.ndim), array.ndim)
    call.reading.spend(array.size)
    return call.known(np.asarray(array.prod(axis=along, keepdims=bool(keepdims), dtype=array.dtype)))


def floor(call: Call, x: Value) -> Value:
    """Of shapes, where a computed one cannot be."""
    return identity(call, x) if x.dtype.startswith("int") else known(np.floor)(call, x)
