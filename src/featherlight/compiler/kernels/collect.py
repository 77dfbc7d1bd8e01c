"""A map's channels brought together: out of several pieces, and into another order, in one walk over the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from llvmlite import ir

from featherlight.compiler.code import FLOAT, Builder, Code, Value, at, load, share, store, times
from featherlight.compiler.control import i64, loop
from featherlight.compiler.kernels.lines import copy

FLOAT_BYTES = 4
UNROLLED = 8  # floats that no loop is worth


class Run(NamedTuple):
    """`length` channels side by side in a piece, from `place` on, that are channels `channel`, `channel + step`, ..."""

    piece: int
    place: int
    length: int
    channel: int
    step: int


@dataclass(frozen=True)
class Collect:
    """Each run's channels put where they belong. Pointers: the pieces, the result.

    rows                   bytes from a pixel to the next, in each piece
    image, pixel, channel  bytes from one to the next, in the result
    """

    images: int
    pixels: int
    rows: tuple[int, ...]
    runs: tuple[Run, ...]
    image: int
    pixel: int
    channel: int

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "collect", len(self.rows) + 1, lambda b, *given: self._body(code, b, given))

    def _body(self, code: Code, b: Builder, given: Sequence[Value]) -> None:
        thread, threads, *pieces, result = given
        with loop(b, *share(b, thread, threads, self.images * self.pixels), name="pixel") as index:
            image, pixel = b.udiv(index, i64(self.pixels)), b.urem(index, i64(self.pixels))
            target = at(b, at(b, result, times(b, image, self.image)), times(b, pixel, self.pixel))
            sources = [at(b, piece, times(b, index, row)) for piece, row in zip(pieces, self.rows, strict=True)]
            for run in self.runs:
                self._run(code, b, at(b, sources[run.piece], FLOAT_BYTES * run.place), target, run)

    def _run(self, code: Code, b: Builder, source: Value, target: Value, run: Run) -> None:
        target, step = at(b, target, run.channel * self.channel), run.step * self.channel
        if step == FLOAT_BYTES:
            copy(code, b, source, target, run.length)
        elif run.length <= UNROLLED:
            for number in range(run.length):
                store(b, load(b, source, FLOAT, FLOAT_BYTES * number), target, step * number)
        else:
            with loop(b, i64(0), i64(run.length), name="channel") as index:
                store(b, load(b, source, FLOAT, times(b, index, FLOAT_BYTES)), target, times(b, index, step))
