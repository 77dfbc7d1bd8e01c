"""A compiled network as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# What holds the bytes of code and weights: a loaded file is not copied apart.
Bytes = bytes | bytearray | memoryview


class Array(NamedTuple):
    """The shape and the NumPy name of the type of what goes in or comes out."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, eq=False)
class Program:
    """Machine code with all that it needs to run: `Network(program, threads)` runs it."""

    code: Bytes  # position-independent, calls nothing outside itself
    entries: Mapping[str, int]  # where in it `start`, `serve` and `stop` begin
    weights: Bytes  # constants, at an address that is a multiple of 64
    arena: int  # bytes of memory for what lies between the layers
    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]
    instructions: tuple[str, ...]  # what the processor must have, as /proc/cpuinfo names it
    steps: tuple[str, ...] = ()  # what is timed, in order
    about: Mapping[str, Any] = field(default_factory=dict)  # preprocessing, class names and such; goes through JSON
