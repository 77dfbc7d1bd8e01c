"""A network's table as the papers print theirs: a line for each run of equal blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

from featherlight.spec import Fire, InvertedResidual, Pool, Row, ShuffleUnit2, Spec, walk

COLUMNS = ("input", "operator", "inside", "channels", "gate", "activation", "stride", "repeats")


@dataclass(frozen=True)
class Line:
    """A line of the table, in the columns of Howard et al. 2019, tables 1 and 2.

    input     side of the map and channels that enter, such as "14 x 14 x 40"
    inside    channels of an expansion, a squeeze or a branch; None where a block has none
    gate      channels that squeeze-excite squeezes to; None without one
    repeats   blocks that differ in nothing but what enters the first, and its stride
    """

    input: str
    operator: str
    inside: int | None
    channels: int
    gate: int | None
    activation: str
    stride: int
    repeats: int = 1

    def to_json(self) -> dict[str, object]:
        """By the names of the columns."""
        return asdict(self)


def architecture(spec: Spec, size: int, in_chans: int) -> list[Line]:
    """The table of a network for square images of `size` pixels, its head left out."""
    lines: list[Line] = []
    alike: Row | None = None
    for line, row in _lines(spec, size, in_chans):
        if alike is not None and row.stride == 1 and _unstrided(row) == alike:
            lines[-1] = replace(lines[-1], repeats=lines[-1].repeats + 1)
        else:
            lines.append(line)
        alike = _unstrided(row)
    return lines


def markdown(lines: list[Line]) -> str:
    """The table as Markdown."""
    rows = [COLUMNS, tuple("---" for _ in COLUMNS)]
    rows += [tuple("" if value is None else str(value) for value in line.to_json().values()) for line in lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _lines(spec: Spec, size: int, in_chans: int) -> Iterator[tuple[Line, Row]]:
    for _, row, channels in walk(spec):
        entering = f"{size} x {size} x {channels or in_chans}"
        yield _line(row, entering, channels), row
        size = -(-size // row.stride)


def _line(row: Row, entering: str, channels: int) -> Line:
    match row:
        case Pool():
            return Line(
                entering, f"{row.reduce} pool {row.kernel} x {row.kernel}", None, channels, None, "", row.stride
            )
        case Fire():
            return Line(entering, "fire", row.squeeze, row.expand1 + row.expand3, None, "relu", 1)
    inside = row.expanded if isinstance(row, InvertedResidual) else getattr(row, "middle", None)
    gate = row.squeeze_excite if isinstance(row, InvertedResidual | ShuffleUnit2) else None
    kernel = getattr(row, "kernel", 3)
    return Line(
        entering,
        f"{row.kind.replace('_', ' ')} {kernel} x {kernel}",
        inside,
        row.channels,
        gate.channels if gate else None,
        getattr(row, "activation", "relu"),
        row.stride,
    )


def _unstrided(row: Row) -> Row:
    """The row as one that is repeated; of an expansion its ratio is alike and not its number, so that stays."""
    return row if isinstance(row, Fire) else replace(row, stride=1)
