from __future__ import annotations

import pytest

from featherlight.latency.layouts import Placed, add_up


def usual(reads: str, writes: str) -> Placed:
    return Placed("convolution 1x1", 100.0, 0.0, 0.0, 1, tuple(reads), tuple(writes))


def otherwise(reads: str, writes: str) -> Placed:
    return Placed("channel shuffle", 50.0, 3.0, 7.0, 2, tuple(reads), tuple(writes))


def either(reads: str, writes: str) -> Placed:
    return Placed("relu", 10.0, 0.0, 0.0, 1, tuple(reads), tuple(writes))


@pytest.mark.parametrize(
    ("pieces", "turns"),
    [
        ([usual("a", "b"), usual("b", "c")], []),
        ([usual("a", "b"), otherwise("b", "c"), usual("c", "d")], [3.0, 7.0]),
        ([usual("a", "b"), otherwise("b", "c"), otherwise("c", "d"), usual("d", "e")], [3.0, 7.0]),
        ([otherwise("a", "b"), either("b", "c"), otherwise("c", "d")], [3.0]),
        ([otherwise("a", "b"), either("b", "c"), usual("c", "d")], [3.0, 7.0]),
        ([otherwise("a", "b"), usual("b", "c"), usual("b", "d")], [3.0, 7.0]),  # turned once for both
        ([usual("a", "b"), otherwise("b", "c"), otherwise("b", "d")], [3.0]),
        ([otherwise("a", "b"), usual("x", "y"), either("by", "c"), usual("c", "d")], [3.0, 7.0]),  # one has to give in
        ([usual("a", "b"), otherwise("ab", "c")], [1.5, 1.5]),
    ],
)
def test_a_map_is_turned_where_neighbours_disagree_and_once(pieces: list[Placed], turns: list[float]) -> None:
    seconds, steps = add_up(pieces)
    assert seconds == sum(piece.seconds for piece in pieces) + sum(turns)
    assert steps == sum(piece.steps for piece in pieces) + len(turns)
