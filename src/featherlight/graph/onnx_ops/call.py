"""What a translation is given, and what it may say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from featherlight.errors import BadInput, must_be
from featherlight.graph import kinds
from featherlight.graph.builder import Builder
from featherlight.graph.ir import Op, Tensor
from featherlight.graph.rules.shape import infer
from featherlight.graph.rules.value import VALUE

Shape = tuple[int, ...]

# What a light-weight classifier does not come near: a tensor of 1 GB in float32; computed constants, altogether, of
# more elements than AlexNet has weights (a network of whole numbers dequantizes each of its own).
MOST_ELEMENTS = 1 << 28
MOST_FOLDED = 1 << 26


class NotCanonical(Exception):
    """Raised by a translation for arguments that no canonical kind can express; the text says which."""


@dataclass(frozen=True, eq=False, slots=True)
class Known:
    """A tensor whose value is known while the model is read: a weight, a shape, a setting."""

    name: str
    array: npt.NDArray[Any]

    @property
    def shape(self) -> Shape:
        """Its shape."""
        return self.array.shape

    @property
    def dtype(self) -> str:
        """NumPy's name of its dtype."""
        return self.array.dtype.name


@dataclass(frozen=True, slots=True)
class Computed:
    """A tensor of the graph, of a dtype of its own: whole numbers count as such though the graph holds float32."""

    name: str
    shape: Shape
    dtype: str = "float32"


Value = Known | Computed
Result = Value | tuple[Value | None, ...]
Ints = Sequence[int] | Value | None


@dataclass(slots=True)
class Reading:
    """A model being read: the graph so far, which known tensors stand in it, and how much was computed on the way."""

    builder: Builder = field(default_factory=Builder)
    placed: dict[Known, str] = field(default_factory=dict)
    folded: int = 0

    def place(self, value: Value) -> str:
        """The name of a value in the graph, where a known one becomes a float32 constant once."""
        if isinstance(value, Computed):
            return value.name
        if value not in self.placed:
            if value.array.dtype != np.float32:
                self.spend(value.array.size)
            self.placed[value] = self.builder.constant(value.name, value.array.astype(np.float32, copy=False))
        return self.placed[value]

    def spend(self, elements: int) -> None:
        """Count what is computed while reading. Raises BadInput if a model makes more than any network needs."""
        self.folded += elements
        if self.folded > MOST_FOLDED:
            raise must_be("model", f"one whose constants take at most {MOST_FOLDED} computed elements", self.folded)


@dataclass(frozen=True, slots=True)
class Call:
    """One node: where its translation puts operations, and how many outputs it names, read by an opset.

    Operations carry its name, `origin`, which may be empty; sentences say `where`.
    """

    reading: Reading
    name: str
    origin: str
    where: str
    outputs: int
    opset: int

    def add(self, kind: kinds.Kind, *inputs: Value | float | None, dtype: str | None = None) -> Value:
        """The one output of a new operation. Numbers become constants, None is left out; of constants, a constant.

        The result counts as of `dtype`, by default that of the first input.
        """
        return self.add_many(kind, *inputs, dtype=dtype)[0]

    def add_many(self, kind: kinds.Kind, *inputs: Value | float | None, dtype: str | None = None) -> tuple[Value, ...]:
        """The outputs of a new operation."""
        operands = [self._operand(value) for value in inputs if value is not None]
        known = [value for value in operands if isinstance(value, Known)]
        if len(known) == len(operands):
            return self._fold(kind, known, dtype)
        builder, place = self.reading.builder, self.reading.place
        names = builder.add(kind, [place(value) for value in operands], self.name, origin=self.origin)
        results = tuple(Computed(name, builder.tensors[name].shape, dtype or operands[0].dtype) for name in names)
        for result in results:
            if math.prod(result.shape) > MOST_ELEMENTS:
                raise must_be(f"tensor {result.name}", f"of at most {MOST_ELEMENTS} elements", result.shape)
        return results

    def known(self, array: npt.NDArray[Any]) -> Known:
        """A result that is known while reading."""
        return Known(self.name, array)

    def filled(self, value: npt.ArrayLike, shape: Shape) -> Known:
        """A known tensor that repeats a value, and takes no memory for it."""
        if min(shape, default=0) < 0 or math.prod(shape) > MOST_ELEMENTS:
            raise BadInput(f"{self.where}: shape must hold at most {MOST_ELEMENTS} elements; got {shape}")
        return self.known(np.broadcast_to(np.asarray(value), shape))

    def integers(self, what: str, value: Ints) -> Shape | None:
        """A list of whole numbers, given as an attribute or as a known tensor of one dimension; None stays None."""
        if value is None or not isinstance(value, Known | Computed):
            return None if value is None else tuple(int(each) for each in value)
        array = self.array(what, value)
        if array.ndim > 1 or array.dtype.kind not in "iu" or array.size > 1 << 16:
            raise BadInput(
                f"{self.where}: {what} must be a list of whole numbers; got {array.dtype.name} of shape {array.shape}"
            )
        return tuple(int(each) for each in array.reshape(-1))

    def number(self, what: str, value: float | Value) -> float:
        """A number, given as an attribute or as a known tensor of one element."""
        if not isinstance(value, Known | Computed):
            return float(value)
        array = self.array(what, value)
        if array.size != 1:
            raise BadInput(f"{self.where}: {what} must be one number; got {array.size}")
        return float(array.reshape(-1)[0])

    def array(self, what: str, value: Value) -> npt.NDArray[Any]:
        """The value of a tensor that must be known."""
        if isinstance(value, Computed):
            raise NotCanonical(f"with {what} that is computed")
        return value.array

    def axes(self, values: Sequence[int], rank: int) -> Shape:
        """Axes counted from the front. Raises BadInput if one is out of range or comes twice."""
        if any(not -rank <= axis < rank for axis in values) or len({axis % rank for axis in values}) < len(values):
            raise BadInput(f"{self.where}: axes must be different ones of {rank} dimensions; got {tuple(values)}")
        return tuple(axis % rank for axis in values)

    def axis(self, value: int, rank: int) -> int:
        """One axis, counted from the front."""
        return self.axes((value,), rank)[0]

    def _operand(self, value: Value | float) -> Value:
        if isinstance(value, Known | Computed):
            return value
        return Known(f"{self.name}.number", np.array(value, dtype=np.float32))

    def _fold(self, kind: kinds.Kind, inputs: Sequence[Known], dtype: str | None) -> tuple[Value, ...]:
        """Whole numbers in their own dtype, so that they stay exact; others in float64, and then as they were."""
        tensors = tuple(Tensor(value.shape, value.dtype) for value in inputs)
        results = infer(Op(kind, tuple(value.name for value in inputs), (self.name,), self.origin), tensors)
        arrays = [value.array for value in inputs]
        moves = isinstance(kind, kinds.Reshape | kinds.Transpose | kinds.Split | kinds.Slice | kinds.Identity)
        if not moves:
            self.reading.spend(sum(result.elements for result in results))
        if not moves and not all(array.dtype.kind in "iub" for array in arrays):
            arrays = [array.astype(np.float64) for array in arrays]
        values = VALUE[type(kind)](kind, *arrays)
        return tuple(
            self.known(np.asarray(value).astype(dtype or inputs[0].array.dtype, copy=False))
            for value in (values if isinstance(values, tuple) else (values,))
        )
