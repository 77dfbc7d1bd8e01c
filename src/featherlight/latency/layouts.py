"""Which maps an engine turns from one layout into another on the way through a network.

A piece was timed between two convolutions, which hold maps in the layout that is usual for so many channels. One that
wants its input otherwise had to `enter`: the map was turned before it; one that writes otherwise had to `leave`. In a
network a turn is made only where two neighbours disagree:

    read:             written usual    written otherwise
    usual             nothing          leave
    otherwise         enter            nothing

What works in any layout, such as an activation, hands on what it gets. A map is turned once, however many read it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

# Pieces that work element by element, or over whole maps: they go on in the layout that comes, if they made no turn.
EITHER = frozenset(
    (*("add", "subtract", "multiply", "divide", "clip", "concat", "mean", "relu", "relu6"),
     *("sigmoid", "tanh", "silu", "gelu", "hard swish", "hard sigmoid"))
)  # fmt: skip


@dataclass(frozen=True)
class Placed:
    """A piece in a network: what it takes by itself, and the maps that it reads and writes."""

    kind: str
    seconds: float
    enter: float
    leave: float
    steps: float
    reads: tuple[str, ...]
    writes: tuple[str, ...]


class Sum(NamedTuple):
    """Over a network: the seconds of its pieces and of the turns between them, and the steps that these are."""

    seconds: float
    steps: float


def add_up(pieces: Iterable[Placed]) -> Sum:
    """The pieces of a network, in its order, with what turning maps between them costs."""
    seconds = steps = 0.0
    otherwise: dict[str, float] = {}  # the maps that are not in the usual layout, and what it takes to turn them
    turned: set[tuple[str, bool]] = set()
    for piece in pieces:
        seconds, steps = seconds + piece.seconds, steps + piece.steps
        hands_on = piece.kind in EITHER and not piece.enter and not piece.leave
        if hands_on and all(name in otherwise for name in piece.reads):
            otherwise |= dict.fromkeys(piece.writes, max((otherwise[name] for name in piece.reads), default=0.0))
            continue
        for name in piece.reads:
            entering = bool(piece.enter)
            if (name, entering) in turned or entering == (name in otherwise):
                continue
            turned.add((name, entering))
            seconds, steps = seconds + (piece.enter / len(piece.reads) if entering else otherwise[name]), steps + 1
        if piece.leave:
            otherwise |= dict.fromkeys(piece.writes, piece.leave)
    return Sum(seconds, steps)
