"""Where buffers stand in one stretch of memory: those that are never needed at once may share it."""

from __future__ import annotations

from collections.abc import Sequence

from featherlight.compiler.plan.step import Buffer, Memory, Step

LINE = 64  # bytes of the cache's lines: buffers begin at one


def place(steps: Sequence[Step]) -> tuple[dict[Buffer, int], int]:
    """The first byte of each buffer of the network's own, and how many bytes there are in all.

    The largest are placed first, each at the lowest place that is free for as long as it is needed.
    """
    lives: dict[Buffer, tuple[int, int]] = {}
    for number, step in enumerate(steps):
        for each in step.places:
            if each.buffer.memory is Memory.ARENA:
                first, _ = lives.get(each.buffer, (number, number))
                lives[each.buffer] = (first, number)
    placed: dict[Buffer, int] = {}
    for buffer in sorted(lives, key=lambda buffer: -buffer.bytes):
        first, last = lives[buffer]
        beside = [other for other in placed if lives[other][0] <= last and first <= lives[other][1]]
        at = 0
        for other in sorted(beside, key=placed.__getitem__):
            if at + buffer.bytes <= placed[other]:
                break
            at = max(at, _lines(placed[other] + other.bytes))
        placed[buffer] = at
    return placed, max((_lines(at + buffer.bytes) for buffer, at in placed.items()), default=0)


def _lines(size: int) -> int:
    return -(-size // LINE) * LINE
