"""Pieces cut row by row: the same ones, joined by the same maps, as when the whole network is cut."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from featherlight.graph import from_spec
from featherlight.latency import Piece, by_rows, pieces, pieces_of
from featherlight.spec import (
    Convolution,
    DepthwiseSeparable,
    Fire,
    Head,
    InvertedResidual,
    Pool,
    Residual,
    ShuffleUnit1,
    ShuffleUnit2,
    Spec,
    SqueezeExcite,
)

SHAPE = (1, 3, 24, 24)

# Each kind of row, and each that adds or passes on its input after itself.
EVERY = Spec(
    (
        Convolution(16, 3, 2),
        Pool(3, 1, padding=1),
        Fire(8, 8, 8),
        Fire(8, 8, 8, "simple"),
        DepthwiseSeparable(16),
        InvertedResidual(16, None),
        InvertedResidual(16, 32, squeeze_excite=SqueezeExcite(8)),
        InvertedResidual(16, 32, linear=False),
        ShuffleUnit2(32, 16, stride=2),
        ShuffleUnit2(32, 16),
        ShuffleUnit2(32, 16, squeeze_excite=SqueezeExcite(8), residual=True),
        ShuffleUnit1(64, 16, 2, 2, 2),
        ShuffleUnit1(64, 16, 2, 2),
        ShuffleUnit2(64, 32),
        ShuffleUnit2(64, 32),
        Residual(64, 16, bottleneck=True),
        Residual(32, 32),
        Residual(32, 32),
        Convolution(48, 1, activation="hard_swish"),
    ),
    Head(hidden=(24,), activation="hard_swish"),
)


def wired(found: Sequence[Piece]) -> list[tuple[object, ...]]:
    """What each piece computes, and which piece's which map it reads."""
    made = {name: (at, place) for at, piece in enumerate(found) for place, name in enumerate(piece.writes)}
    return [(piece.key, piece.kind, [made.get(name) for name in piece.reads]) for piece in found]


def test_every_row_is_cut_as_in_the_whole_network() -> None:
    whole = pieces(from_spec(EVERY, SHAPE, 7))
    assert wired(pieces_of(EVERY, SHAPE, 7)) == wired(whole)
    assert any("ConcatShuffleSplit" in piece.key for piece in whole)


def test_a_network_that_differs_in_a_row_is_cut_in_that_row_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    cut: list[int] = []

    def counted(graph: object) -> tuple[Piece, ...]:
        cut.append(1)
        return pieces(graph)  # type: ignore[arg-type]

    monkeypatch.setattr(by_rows, "pieces", counted)
    rows = (Convolution(8, 3, 2), InvertedResidual(8, 24), InvertedResidual(8, 16), InvertedResidual(8, 16))
    pieces_of(Spec(rows), SHAPE, 7)
    before = len(cut)
    other = Spec((*rows[:1], InvertedResidual(8, 40), *rows[2:]))
    assert wired(pieces_of(other, SHAPE, 7)) == wired(pieces(from_spec(other, SHAPE, 7)))
    assert len(cut) == before + 1
