"""What a compiled network does, in order: kernels, and the memory that each reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from featherlight.compiler.code import Code, Vectors
from featherlight.graph import Op


class Kernel(Protocol):
    """A computation on shapes that are known: equal records emit equal code."""

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function, of thread, threads and a pointer for each place of a step."""


class Memory(Enum):
    """Where a buffer stands: in memory of the network's own, among its weights, or in an array of the caller."""

    ARENA, WEIGHTS, INPUT, OUTPUT = range(4)


@dataclass(frozen=True, eq=False)
class Buffer:
    """A stretch of memory; weights have a `content`, inputs and outputs a `number`."""

    memory: Memory
    bytes: int
    content: NDArray[np.float32] | None = None
    number: int = 0


@dataclass(frozen=True)
class Place:
    """So many bytes into a buffer."""

    buffer: Buffer
    offset: int = 0


@dataclass(frozen=True)
class Step:
    """A kernel and its places, those at `written` being its results; `ops` are the graph's that it computes."""

    kernel: Kernel
    places: tuple[Place, ...]
    written: tuple[int, ...]
    ops: tuple[Op, ...] = ()

    @property
    def results(self) -> tuple[Buffer, ...]:
        """The buffers that it writes."""
        return tuple(self.places[index].buffer for index in self.written)

    @property
    def operands(self) -> tuple[Buffer, ...]:
        """The buffers that it reads."""
        return tuple(place.buffer for index, place in enumerate(self.places) if index not in self.written)


@dataclass(frozen=True)
class Plan:
    """Steps for one kind of vectors, and the shapes of what the caller gives and gets."""

    steps: tuple[Step, ...]
    vectors: Vectors
    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]
