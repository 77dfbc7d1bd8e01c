"""Convolutions of 3 x 3 at stride 1 by fewer multiplications: F(4 x 4, 3 x 3) of Lavin and Gray 2016, section 4.

A tile of 6 x 6 inputs gives 4 x 4 results by 36 products in place of 144. Inputs are transformed (`Gather`), each of
the 36 places is a matrix product over the channels (`gemm.py`, with 36 sets of weights), and sums are transformed back
(`Scatter`). The transforms add numbers that cancel: an infinity becomes what is not a number, and rounding is about
ten times that of the plain sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from featherlight.compiler.code import Builder, Code, Value, at, fill, load, share, store, times
from featherlight.compiler.control import i64, loop
from featherlight.compiler.kernels.activation import ElementWise, apply
from featherlight.compiler.kernels.gemm import Strides

SIDE, MADE = 6, 4  # of a tile of inputs and of results
PLACES = SIDE * SIDE

_INPUTS = ((4, 0, -5, 0, 1, 0), (0, -4, -4, 1, 1, 0), (0, 4, -4, -1, 1, 0),
           (0, -2, -1, 2, 1, 0), (0, 2, -1, -2, 1, 0), (0, 4, 0, -5, 0, 1))  # fmt: skip
_WEIGHTS = ((1 / 4, 0, 0), (-1 / 6, -1 / 6, -1 / 6), (-1 / 6, 1 / 6, -1 / 6),
            (1 / 24, 1 / 12, 1 / 6), (1 / 24, -1 / 12, 1 / 6), (0, 0, 1))  # fmt: skip
_RESULTS = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))


def tiles(size: int) -> int:
    """How many tiles cover so many results along a side."""
    return -(-size // MADE)


def transformed(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights (outputs, inputs, 3, 3) as (36, outputs, inputs); computed in float64."""
    matrix = np.array(_WEIGHTS)
    made = np.einsum("ik,ockl,jl->ijoc", matrix, weights.astype(np.float64), matrix)
    return np.asarray(made.reshape(PLACES, *weights.shape[:2]), np.float32)


@dataclass(frozen=True)
class Gather:
    """Pointers: the source, the transformed inputs (36, tiles of all images, channels).

    down, across  tiles in an image
    source        strides of a map that is large enough for all of them
    columns       vectors of channels
    row, place    bytes of the result from a tile and from a place to the next
    """

    images: int
    down: int
    across: int
    columns: int
    source: Strides
    row: int
    place: int

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "gather", 2, lambda b, *given: self._body(code, b, given))

    def _body(self, code: Code, b: Builder, given: Sequence[Value]) -> None:
        thread, threads, source, result = given
        one = code.function((self, "tile"), "winograd_in", 2, lambda b, *given: self._tile(code, b, given))
        with loop(b, *share(b, thread, threads, self.images * self.down * self.across), name="tile") as tile:
            begin = at(b, source, _place(b, tile, self.down, self.across, self.source, MADE))
            to = at(b, result, times(b, tile, self.row))
            with loop(b, i64(0), i64(self.columns), name="column") as column:
                offset = times(b, column, code.vectors.bytes)
                b.call(one, [at(b, begin, offset), at(b, to, offset)])

    def _tile(self, code: Code, b: Builder, given: Sequence[Value]) -> None:
        source, result = given
        lines = []  # each column of the tile, transformed
        for x in range(SIDE):
            column = [
                load(b, source, code.vectors.type, y * self.source.line + x * self.source.row) for y in range(SIDE)
            ]
            lines.append(_product(b, _INPUTS, column))
        for y in range(SIDE):
            for x, value in enumerate(_product(b, _INPUTS, [line[y] for line in lines])):
                store(b, value, result, (y * SIDE + x) * self.place)


@dataclass(frozen=True)
class Scatter:
    """Pointers: the sums (36, tiles of all images, channels), the biases, the result, and what is added.

    row, place   bytes of the sums from a tile and from a place to the next
    size         height and width of the result: tiles at its edges are cut
    activation, last  functions before and after the residual is added
    """

    images: int
    size: tuple[int, int]
    columns: int
    row: int
    place: int
    result: Strides
    residual: Strides | None = None
    activation: ElementWise | None = None
    last: ElementWise | None = None

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function."""
        return code.kernel(self, "scatter", self._pointers, lambda b, *given: self._body(code, b, given))

    @property
    def _pointers(self) -> int:
        return 3 + (self.residual is not None)

    def _body(self, code: Code, b: Builder, given: Sequence[Value]) -> None:
        thread, threads, sums, bias, result, *residual = given
        down, across = (tiles(side) for side in self.size)
        with loop(b, *share(b, thread, threads, self.images * down * across), name="tile") as tile:
            y, x = b.urem(b.udiv(tile, i64(across)), i64(down)), b.urem(tile, i64(across))
            begin = at(b, sums, times(b, tile, self.row))
            to = [at(b, result, _place(b, tile, down, across, self.result, MADE))]
            if self.residual is not None:
                to.append(at(b, residual[0], _place(b, tile, down, across, self.residual, MADE)))
            with loop(b, i64(0), i64(self.columns), name="column") as column:
                offset = times(b, column, code.vectors.bytes)
                pointers = [at(b, pointer, offset) for pointer in (begin, bias, *to)]
                self._cut(code, b, (y, x), pointers)

    def _cut(self, code: Code, b: Builder, tile: tuple[Value, Value], pointers: Sequence[Value]) -> None:
        """Call the function for a whole tile, or for as much of it as lies in the map."""
        (height, width), (down, across) = self.size, (tiles(side) for side in self.size)
        high, wide = height - MADE * (down - 1), width - MADE * (across - 1)
        last_down, last_across = (
            b.icmp_signed("==", index, i64(count - 1)) for index, count in zip(tile, (down, across), strict=True)
        )

        def of(rows: int, columns: int) -> None:
            b.call(self._one(code, rows, columns), pointers)

        if high == wide == MADE:
            of(MADE, MADE)
            return
        with b.if_else(last_down) as (below, above):
            for block, rows in ((below, high), (above, MADE)):
                with block, b.if_else(last_across) as (right, left):
                    with right:
                        of(rows, wide)
                    with left:
                        of(rows, MADE)

    def _one(self, code: Code, rows: int, columns: int) -> ir.Function:
        key = (self, rows, columns)
        return code.function(
            key, "winograd_out", self._pointers, lambda b, *given: self._tile(code, b, given, rows, columns)
        )

    def _tile(self, code: Code, b: Builder, given: Sequence[Value], rows: int, columns: int) -> None:
        sums, bias, result, *residual = given
        kind = code.vectors.type
        lines = []
        for x in range(SIDE):
            column = [load(b, sums, kind, (y * SIDE + x) * self.place) for y in range(SIDE)]
            lines.append(_product(b, _RESULTS, column))
        added = load(b, bias, kind)
        for y in range(rows):
            made = _product(b, _RESULTS, [line[y] for line in lines])
            for x in range(columns):
                value = b.fadd(made[x], added)
                if self.activation is not None:
                    value = apply(b, self.activation, value)
                if self.residual is not None:
                    offset = y * self.residual.line + x * self.residual.row
                    value = b.fadd(value, load(b, residual[0], kind, offset))
                if self.last is not None:
                    value = apply(b, self.last, value)
                store(b, value, result, y * self.result.line + x * self.result.row)


def _place(b: Builder, tile: Value, down: int, across: int, strides: Strides, by: int) -> Value:
    """Bytes to where the results of a tile begin, `by` pixels a tile."""
    image, within = b.udiv(tile, i64(down * across)), b.urem(tile, i64(down * across))
    y, x = b.udiv(within, i64(across)), b.urem(within, i64(across))
    place = b.add(times(b, y, by * strides.line), times(b, x, by * strides.row))
    return b.add(place, times(b, image, strides.image))


def _product(b: Builder, matrix: Sequence[Sequence[int]], values: Sequence[Value]) -> list[Value]:
    """A small matrix times vectors, without the products by 0, 1 and -1."""
    made = []
    for row in matrix:
        total: Value | None = None
        for factor, value in sorted(zip(row, values, strict=True), key=lambda pair: pair[0] != 1):
            if factor == 0:
                continue
            if total is None:
                total = value if factor == 1 else b.fmul(value, fill(value.type, factor))
            elif abs(factor) == 1:
                total = b.fadd(total, value) if factor > 0 else b.fsub(total, value)
            else:
                term = b.fmul(value, fill(value.type, factor), flags=("contract",))
                total = b.fadd(total, term, flags=("contract",))
        made.append(total)
    return made
