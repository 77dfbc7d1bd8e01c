"""Putting a graph together, one operation after the other; shapes follow from the shape rules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from featherlight.graph.ir import Constant, Graph, Op, Tensor
from featherlight.graph.kinds import Kind
from featherlight.graph.rules.shape import infer


class Builder:
    """Collects operations; every method that defines a tensor returns its name, made unique if it was taken."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.inputs: list[str] = []
        self.tensors: dict[str, Tensor] = {}
        self.constants: dict[str, Constant] = {}

    def input(self, name: str, tensor: Tensor) -> str:
        """A tensor that the caller will give."""
        name = self.define(name, tensor)
        self.inputs.append(name)
        return name

    def constant(self, name: str, value: Constant) -> str:
        """A tensor whose value is known."""
        name = self.define(name, Tensor(value.shape, value.dtype.name))
        self.constants[name] = value
        return name

    def number(self, name: str, value: float) -> str:
        """A constant of no dimensions, which broadcasts to any shape."""
        return self.constant(name, np.array(value, dtype=np.float32))

    def add(self, kind: Kind, inputs: Sequence[str], name: str, *, origin: str = "") -> list[str]:
        """The operation's outputs, called after `name`. Raises BadInput if the inputs do not fit the kind."""
        op = Op(kind, tuple(inputs), (name,), origin)
        tensors = infer(op, tuple(self.tensors[name] for name in inputs))
        names = [self.define(name, tensor) for tensor in tensors]
        self.ops.append(Op(kind, op.inputs, tuple(names), origin))
        return names

    def define(self, name: str, tensor: Tensor) -> str:
        """A name for the tensor: `name`, or `name_1`, `name_2`, ... if it is taken."""
        unique, count = name, 0
        while unique in self.tensors:
            count += 1
            unique = f"{name}_{count}"
        self.tensors[unique] = tensor
        return unique

    def graph(self, outputs: Sequence[str]) -> Graph:
        """The graph so far, without what no output depends on."""
        needed = set(outputs)
        ops: list[Op] = []
        for op in reversed(self.ops):
            if needed.intersection(op.outputs):
                ops.append(op)
                needed.update(op.inputs)
        constants = {name: value for name, value in self.constants.items() if name in needed}
        defined = {*self.inputs, *constants, *(name for op in ops for name in op.outputs)}
        return Graph(
            ops=tuple(reversed(ops)),
            inputs=tuple(self.inputs),
            outputs=tuple(outputs),
            tensors={name: tensor for name, tensor in self.tensors.items() if name in defined},
            constants=constants,
        )
