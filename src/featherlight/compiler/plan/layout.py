"""How a tensor lies in memory.

A map (N, C, H, W) lies with the channels of a pixel side by side. It may lie in several pieces, each in a buffer with
some of the channels, in an order of its own: so splitting, joining and shuffling channels is arithmetic on these
records, done once when a plan is made, and nothing at run time (the weights of the next convolution follow the order).
Any other tensor is dense: its numbers in the graph's own order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from featherlight.compiler.plan.step import Buffer, Place

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Dense:
    """A tensor row by row, as NumPy holds it."""

    buffer: Buffer
    shape: tuple[int, ...]

    @property
    def place(self) -> Place:
        """Where it begins."""
        return Place(self.buffer)

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Piece:
    """`count` channels of each pixel, `offset` floats after the pixel's first; pixels are `pitch` floats apart."""

    buffer: Buffer
    pitch: int
    offset: int
    count: int

    @property
    def place(self) -> Place:
        """Where the first pixel's channels begin."""
        return Place(self.buffer, FLOAT_BYTES * self.offset)

    @property
    def row(self) -> int:
        """Bytes from a pixel to the next."""
        return FLOAT_BYTES * self.pitch


@dataclass(frozen=True)
class Map:
    """Pieces of the same pixels. Channel `order[i]` of the tensor is the i-th, counted through the pieces."""

    images: int
    height: int
    width: int
    pieces: tuple[Piece, ...]
    order: tuple[int, ...]

    @property
    def channels(self) -> int:
        """How many channels a pixel has."""
        return len(self.order)

    @property
    def pixels(self) -> int:
        """How many pixels an image has."""
        return self.height * self.width

    def taken(self, wanted: tuple[int, ...]) -> Map:
        """The map whose channels are those of this one that `wanted` numbers, in that order."""
        places = {channel: place for place, channel in enumerate(self.order)}
        new = {places[channel]: number for number, channel in enumerate(wanted)}
        pieces, first = [], 0
        for piece in self.pieces:
            kept = [place for place in range(first, first + piece.count) if place in new]
            pieces += [
                Piece(piece.buffer, piece.pitch, piece.offset + low - first, high - low) for low, high in runs(kept)
            ]
            first += piece.count
        return Map(self.images, self.height, self.width, tuple(pieces), tuple(new[place] for place in sorted(new)))


def joined(maps: list[Map]) -> Map:
    """The maps' channels, one map after the other."""
    order: list[int] = []
    for each in maps:
        order += [len(order) + channel for channel in each.order]
    first, pieces = maps[0], list[Piece]()
    for piece in (piece for each in maps for piece in each.pieces):
        last = pieces[-1] if pieces else None
        if last and last.buffer is piece.buffer and last.offset + last.count == piece.offset:
            pieces[-1] = replace(last, count=last.count + piece.count)
        else:
            pieces.append(piece)
    return Map(first.images, first.height, first.width, tuple(pieces), tuple(order))


def runs(places: list[int]) -> list[tuple[int, int]]:
    """Stretches of numbers that follow each other: (first, one after the last)."""
    found: list[tuple[int, int]] = []
    for place in places:
        if found and found[-1][1] == place:
            found[-1] = (found[-1][0], place + 1)
        else:
            found.append((place, place + 1))
    return found
