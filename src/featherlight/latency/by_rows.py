"""The pieces of a network of a Spec, cut row by row and remembered: a search tells thousands that share their rows.

What an engine runs as one never reaches from one row into the next, but for what joins two units of ShuffleNet v2
(`graph.passes.shuffle_unit`): such units are cut together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from featherlight.graph import Graph, canonical
from featherlight.graph.read_spec import join, parts
from featherlight.latency.piece import Piece, pieces
from featherlight.spec import ShuffleUnit2, Spec


def pieces_of(spec: Spec, input_shape: tuple[int, ...], num_classes: int) -> tuple[Piece, ...]:
    """`pieces(from_spec(spec, input_shape, num_classes))`, but for the names of the maps."""
    found: list[Piece] = []
    end = "x"
    for number, run in enumerate(_runs(spec, input_shape, num_classes)):
        cut = _cut(run)
        names = {name: f"{number}.{name}" for piece in cut for name in piece.writes}
        for piece in cut:
            reads = tuple(names.get(name, end) for name in piece.reads)
            writes = tuple(names[name] for name in piece.writes)
            found.append(replace(piece, reads=reads, writes=writes))
        [end] = found[-1].writes
    return tuple(found)


def canonical_of(spec: Spec, input_shape: tuple[int, ...], num_classes: int) -> Graph:
    """`canonical(from_spec(spec, input_shape, num_classes))`, but for the names of the maps."""
    runs = _runs(spec, input_shape, num_classes)
    return join((str(number), _canonical(run)) for number, run in enumerate(runs))


def _runs(spec: Spec, input_shape: tuple[int, ...], num_classes: int) -> Iterator[tuple[Graph, ...]]:
    """The graphs of the rows and of the head, those that are cut together side by side."""
    run: list[Graph] = []
    before = None
    for row, (_, part) in zip((*spec.rows, spec.head), parts(spec, input_shape, num_classes), strict=True):
        if run and not (isinstance(before, ShuffleUnit2) and isinstance(row, ShuffleUnit2)):
            yield tuple(run)
            run = []
        run.append(part)
        before = row
    yield tuple(run)


@lru_cache(maxsize=4096)
def _cut(run: tuple[Graph, ...]) -> tuple[Piece, ...]:
    return pieces(_joined(run))


@lru_cache(maxsize=4096)
def _canonical(run: tuple[Graph, ...]) -> Graph:
    return canonical(_joined(run))


def _joined(run: tuple[Graph, ...]) -> Graph:
    # The graph of a row is the same object each time, while `parts` remembers it.
    return join((str(at), part) for at, part in enumerate(run))
