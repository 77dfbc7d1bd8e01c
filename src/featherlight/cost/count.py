"""Parameters, multiply-adds, memory access, bytes and activations of a graph, for each operation and in total."""

from __future__ import annotations

from dataclasses import dataclass

from featherlight.errors import must_be
from featherlight.graph import Graph, Op, kinds
from featherlight.graph.rules.bytes import TRAFFIC
from featherlight.graph.rules.multiply_adds import MULTIPLY_ADDS

# Positions of learnable tensors among an operation's inputs. A batch norm's mean and variance are statistics.
LEARNABLE: dict[type[kinds.Kind], tuple[int, ...]] = {
    kinds.Convolution: (1, 2),
    kinds.Linear: (1, 2),
    kinds.BatchNorm: (1, 2),
}


@dataclass(frozen=True, slots=True)
class OpCost:
    """What one operation costs."""

    op: Op
    parameters: int
    multiply_adds: int
    memory_access: int  # elements, whatever their size
    bytes_read: int
    bytes_written: int
    activations: int

    @property
    def bytes_moved(self) -> int:
        """Bytes read and written."""
        return self.bytes_read + self.bytes_written

    @property
    def intensity(self) -> float:
        """Multiply-adds a byte moved (Williams et al. 2009, section 3); 0 where nothing is moved."""
        return self.multiply_adds / self.bytes_moved if self.bytes_moved else 0.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a network costs: a row an operation, in the graph's order, and the sums over them."""

    rows: tuple[OpCost, ...]

    @property
    def parameters(self) -> int:
        """Learnable numbers."""
        return sum(row.parameters for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """Multiplications, each with its addition."""
        return sum(row.multiply_adds for row in self.rows)

    @property
    def memory_access(self) -> int:
        """Elements read and written, weights included: the memory access cost of Ma et al. 2018, section 3."""
        return sum(row.memory_access for row in self.rows)

    @property
    def bytes_moved(self) -> int:
        """Bytes read and written."""
        return sum(row.bytes_moved for row in self.rows)

    @property
    def intensity(self) -> float:
        """Multiply-adds a byte moved; 0 where nothing is moved."""
        return self.multiply_adds / self.bytes_moved if self.bytes_moved else 0.0

    @property
    def activations(self) -> int:
        """Elements that convolutions and linear layers write."""
        return sum(row.activations for row in self.rows)


def count(graph: Graph, bytes_per_element: int = 4) -> Cost:
    """What `graph` costs, at its batch size.

    - parameters: weights and biases of convolutions, linear layers and batch norms, each tensor once, at the first
      operation that reads it. Running statistics and constants of element-wise arithmetic are not learnable.
    - multiply-adds: one multiplication with its addition is one. Only convolutions and linear layers count, as in the
      papers' tables; `graph/rules/multiply_adds.py` says why of each kind that does not.
    - memory access: elements of every input, weights included, and of every output, each once; a view moves nothing.
      For a 1x1 convolution that is hw(c1 + c2) + c1 c2, the memory access cost of Ma et al. 2018, section 3 (G1).
    - bytes read and written: the same in bytes, `bytes_per_element` each (4 for float32, 2 for float16, 1 for int8).
    - activations: elements of the outputs of convolutions and linear layers (Radosavovic et al. 2020, section 3.2,
      where they tell a network's time better than its multiply-adds do).

    Raises BadInput if `bytes_per_element` is not above 0.
    """
    if bytes_per_element < 1:
        raise must_be("bytes per element", "a whole number above 0", bytes_per_element)
    counted: set[str] = set()
    return Cost(tuple(_row(graph, op, bytes_per_element, counted) for op in graph.ops))


def _row(graph: Graph, op: Op, bytes_per_element: int, counted: set[str]) -> OpCost:
    kind = type(op.kind)
    inputs, outputs = graph.tensors_in(op), graph.tensors_out(op)
    learnable = {op.inputs[at] for at in LEARNABLE.get(kind, ()) if at < len(op.inputs)} - counted
    counted |= learnable
    read, written = TRAFFIC[kind](inputs, outputs)
    computes = kind in MULTIPLY_ADDS
    return OpCost(
        op=op,
        parameters=sum(graph.tensors[name].elements for name in learnable),
        multiply_adds=MULTIPLY_ADDS[kind](op.kind, inputs, outputs) if computes else 0,
        memory_access=read + written,
        bytes_read=read * bytes_per_element,
        bytes_written=written * bytes_per_element,
        activations=outputs[0].elements if computes else 0,
    )
