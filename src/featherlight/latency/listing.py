"""What a table is to hold: the distinct pieces of some networks, and which of the networks are run whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from featherlight.errors import must_be
from featherlight.graph import Graph
from featherlight.latency.piece import Piece

if TYPE_CHECKING:
    from featherlight.latency.steps import StepPiece  # loads LLVM

P = TypeVar("P", Piece, "StepPiece")
Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Member:
    """A network whose pieces go into a table; one that is `timed` is run whole as well, to calibrate by."""

    name: str
    family: str
    graph: Graph
    timed: bool


def listing(
    members: Iterable[Member], cut: Callable[[Graph], Sequence[P]], keep: Callable[[Graph], Kept], what: str
) -> tuple[list[P], list[Kept], dict[str, list[dict[str, Any]]]]:
    """Each distinct piece that `cut` makes, what `keep` makes of each network that is timed, and both lists as JSON.

    The members may come one by one: of their graphs no more stays than `keep` gives. Raises BadInput where there are
    none, with `what` they were to make.
    """
    places: dict[str, int] = {}
    distinct: list[P] = []
    networks: list[dict[str, Any]] = []
    kept: list[Kept] = []
    for member in members:
        own = cut(member.graph)
        for piece in own:
            if piece.key not in places:
                places[piece.key] = len(distinct)
                distinct.append(piece)
        if member.timed:
            wired = [(places[piece.key], piece.reads, piece.writes) for piece in own]
            networks.append({"name": member.name, "family": member.family, "pieces": wired})
            kept.append(keep(member.graph))
    if not distinct:
        raise must_be(f"networks of {what}", "one or more", "none")
    told = [{"key": piece.key, "kind": piece.kind, "multiply_adds": piece.multiply_adds, "bytes": piece.bytes_moved}
            for piece in distinct]  # fmt: skip
    return distinct, kept, {"pieces": told, "networks": networks}
