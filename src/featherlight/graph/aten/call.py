"""What a translation is given, and what it may say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from featherlight.graph import kinds
from featherlight.graph.builder import Builder
from featherlight.graph.evaluate import apply
from featherlight.graph.ir import Op

Shape = tuple[int, ...]
Result = str | tuple[str | None, ...]
Ints = int | Sequence[int]


class NotCanonical(Exception):
    """Raised by a translation for arguments that no canonical kind can express; the text says which."""


@dataclass(frozen=True)
class Call:
    """One call of an operator: where its translation puts operations, and the shapes that torch traced for it."""

    builder: Builder
    name: str
    origin: str
    shapes: tuple[Shape, ...]

    def add(self, kind: kinds.Kind, *inputs: str | float | None) -> str:
        """The one output of a new operation. Numbers become constants, None is left out."""
        return self.add_many(kind, *inputs)[0]

    def add_many(self, kind: kinds.Kind, *inputs: str | float | None) -> tuple[str, ...]:
        """The outputs of a new operation; of constants alone, a constant."""
        names = [self._operand(value) for value in inputs if value is not None]
        constants = self.builder.constants
        if all(name in constants for name in names):
            op = Op(kind, tuple(names), (self.name,), self.origin)
            results = apply(op, [constants[name].astype(np.float64) for name in names])
            return tuple(self.builder.constant(self.name, value.astype(np.float32)) for value in results)
        return tuple(self.builder.add(kind, names, self.name, origin=self.origin))

    def shape(self, name: str) -> Shape:
        """The shape of a tensor."""
        return self.builder.tensors[name].shape

    def _operand(self, value: str | float) -> str:
        return value if isinstance(value, str) else self.builder.number(f"{self.name}.number", value)


def pair(value: Ints) -> kinds.Pair:
    """Torch takes one number for both, or a list of one."""
    values = (value,) if isinstance(value, int) else tuple(value)
    if len(values) > 2:
        raise NotCanonical("in more than two dimensions")
    return (values[0], values[-1])
