"""Two maps of as many channels as one map of twice as many, and back: side by side, or shuffled one by one.

A map is a matrix of rows of floats, channels last. PyTorch does what a unit of ShuffleNet v2 needs of this in four
copies forward and eight backward, most of them of single floats that lie apart; here each is one pass over memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from llvmlite import ir

from featherlight.compiler.control import i64, loop, span
from featherlight.compiler.training.kernel import Body, Kernel, OpenMP, compile_kernels
from featherlight.compiler.training.vectors import columns, read, write

# Moves so many lanes between left, right and both, given the index of left and right, of both, and half.
Move: TypeAlias = Callable[[ir.IRBuilder, int, list[ir.Value], ir.Value, ir.Value, ir.Value], None]


def kernels(team: OpenMP | None) -> dict[str, Kernel]:
    """The four kernels, which take after the number of parts: rows, half (the channels of one), left, right, both.

    join       both[:, :half], both[:, half:] = left, right
    split      left, right = both[:, :half], both[:, half:]
    shuffle    both[:, 0::2], both[:, 1::2] = left, right
    deal       left, right = both[:, 0::2], both[:, 1::2]
    """
    bodies: dict[str, tuple[int, Body]] = {
        "join": (5, partial(_each_row, _join)),
        "split": (5, partial(_each_row, _split)),
        "shuffle": (5, partial(_throughout, _shuffle)),
        "deal": (5, partial(_throughout, _deal)),
    }
    return compile_kernels(bodies, team)


def _each_row(move: Move, b: ir.IRBuilder, part: ir.Value, parts: ir.Value, arguments: list[ir.Value]) -> None:
    rows, half, *maps = arguments
    with loop(b, *span(b, part, parts, rows), name="row") as row:
        start = b.mul(row, half)
        for lanes, column in columns(b, i64(0), half):
            index = b.add(start, column)
            move(b, lanes, maps, index, b.add(index, start), half)


def _throughout(move: Move, b: ir.IRBuilder, part: ir.Value, parts: ir.Value, arguments: list[ir.Value]) -> None:
    """A shuffle knows no rows: what stands at i in left or right stands at 2 i or beside it in both."""
    rows, half, *maps = arguments
    for lanes, index in columns(b, *span(b, part, parts, b.mul(rows, half))):
        move(b, lanes, maps, index, b.add(index, index), half)


def _join(b: ir.IRBuilder, lanes: int, maps: list[ir.Value], near: ir.Value, far: ir.Value, half: ir.Value) -> None:
    left, right, both = maps
    write(b, both, far, read(b, left, near, lanes))
    write(b, both, b.add(far, half), read(b, right, near, lanes))


def _split(b: ir.IRBuilder, lanes: int, maps: list[ir.Value], near: ir.Value, far: ir.Value, half: ir.Value) -> None:
    left, right, both = maps
    write(b, left, near, read(b, both, far, lanes))
    write(b, right, near, read(b, both, b.add(far, half), lanes))


def _shuffle(b: ir.IRBuilder, lanes: int, maps: list[ir.Value], near: ir.Value, far: ir.Value, half: ir.Value) -> None:
    left, right, both = maps
    if lanes == 1:
        _join(b, 1, maps, near, far, i64(1))
    else:
        order = [lane // 2 + lane % 2 * lanes for lane in range(2 * lanes)]
        write(b, both, far, b.shuffle_vector(read(b, left, near, lanes), read(b, right, near, lanes), _order(order)))


def _deal(b: ir.IRBuilder, lanes: int, maps: list[ir.Value], near: ir.Value, far: ir.Value, half: ir.Value) -> None:
    left, right, both = maps
    if lanes == 1:
        _split(b, 1, maps, near, far, i64(1))
    else:
        pair = read(b, both, far, lanes), read(b, both, b.add(far, i64(lanes)), lanes)
        for first, target in enumerate((left, right)):
            write(b, target, near, b.shuffle_vector(*pair, _order(range(first, 2 * lanes, 2))))


def _order(lanes: list[int] | range) -> ir.Constant:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes))
