"""A network as a flat list of operations on named tensors: the records every later stage reads.

    Graph
    |- ops        in an order in which each input is defined before it is used
    |- inputs     names of the tensors a caller gives
    |- outputs    names of the tensors a caller gets
    |- tensors    name -> Tensor, for every name in the graph
    `- constants  name -> NumPy array: weights, statistics, numbers

Records are frozen: a pass returns a new graph. `check.py` says what makes a graph well formed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from featherlight.graph.kinds import Kind, label

Constant = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Tensor:
    """What is known of a tensor before anything runs: its shape and the name of its dtype ("float32")."""

    shape: tuple[int, ...]
    dtype: str = "float32"

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Op:
    """One operation: what it does, the names it reads and defines, and the module path it came from."""

    kind: Kind
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    origin: str = ""

    def __str__(self) -> str:
        return f"{label(self.kind)} at {self.origin or self.outputs[0]}"


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A network at one input size; `eq=False` because arrays have no single truth value."""

    ops: tuple[Op, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tensors: Mapping[str, Tensor]
    constants: Mapping[str, Constant]

    def tensors_in(self, op: Op) -> tuple[Tensor, ...]:
        """The tensors that an operation reads, weights among them."""
        return tuple(self.tensors[name] for name in op.inputs)

    def tensors_out(self, op: Op) -> tuple[Tensor, ...]:
        """The tensors that an operation defines."""
        return tuple(self.tensors[name] for name in op.outputs)
