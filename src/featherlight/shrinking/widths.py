"""The numbers of a Spec that can be made smaller by themselves: what NetAdapt proposes to cut.

    stem 16 -+-> expand 96 -> project 24 -+-> sum -> expand 88 ...
                 one width       one width: rows.2.channels and rows.3.channels,
                                 since row 3 adds its input to its output

Yang et al. 2018 (NetAdapt) cut the filters of one layer; Howard et al. 2019, section 4.2, an expansion or the
bottlenecks that share a residual. Here each is a `Width`, whatever the family.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from featherlight.errors import must_be
from featherlight.spec import Fire, InvertedResidual, Pool, Residual, Row, ShuffleUnit1, ShuffleUnit2, Spec, walk

Place: TypeAlias = tuple[str | int, ...]
"""Where a number stands in a Spec, such as ``("rows", 3, "squeeze_excite", "channels")``."""


@dataclass(frozen=True, slots=True)
class Width:
    """Channels that can be chosen by themselves: `channels` at the first of its places, which gives it its name.

    All places grow and shrink by the same number. They hold the same number too, but for two blocks. ShuffleNet v1's
    units at stride 2 concatenate their input, so that what enters a stage is part of what leaves it. A fire module adds
    its input to two halves, so that what enters a bypass goes with the one or the other.
    """

    channels: int
    places: tuple[Place, ...]

    @property
    def name(self) -> str:
        """Such as ``rows.3.expanded``."""
        return ".".join(str(part) for part in self.places[0])


def widths(spec: Spec) -> tuple[Width, ...]:
    """Every width of a network, in the order of its rows and then of its head."""
    found: list[list[Place]] = []
    entering: list[int] = []  # the widths that the channels entering a row are made of

    def begin(*place: str | int) -> int:
        found.append([place])
        return len(found) - 1

    for index, row, channels in walk(spec):
        for field in _inside(row):
            begin("rows", index, *field)
        if isinstance(row, Pool):
            continue
        passed = _passed_on(row, channels)
        if isinstance(row, Fire):
            if not passed:
                entering = [begin("rows", index, "expand1"), begin("rows", index, "expand3")]
            elif len(entering) == 1:  # becomes two widths, one a half
                whole = found[entering[0]]
                found[entering[0]] = [("rows", index, "expand1"), *whole]
                entering.append(begin("rows", index, "expand3"))
                found[-1] += whole
            else:
                for at in entering:
                    found[at].append(("rows", index, "expand1" if at == entering[0] else "expand3"))
            continue
        if passed:
            for at in entering:
                found[at].append(("rows", index, "channels"))
        if not passed or (isinstance(row, ShuffleUnit1) and row.stride > 1):
            made = begin("rows", index, "channels")
            entering = [*entering, made] if passed else [made]
    for index in range(len(spec.head.hidden)):
        begin("head", "hidden", index)
    return tuple(Width(_read(spec, places[0]), tuple(places)) for places in found)


def channels_at(spec: Spec, width: Width) -> int:
    """What another network of the same rows has where the width stands."""
    return _read(spec, width.places[0])


def with_channels(spec: Spec, width: Width, channels: int) -> Spec:
    """`spec` with one of its widths changed to `channels`; BadInput where its rows do not allow that."""
    if channels < 1:
        raise must_be(width.name, "a whole number above 0", channels)
    by = channels - width.channels
    rows, head = list(spec.rows), spec.head
    for room, *place in width.places:
        if room == "head":
            head = _changed(head, place, by)
        else:
            index, *field = place
            rows[int(index)] = _changed(rows[int(index)], field, by)
    new = replace(spec, rows=tuple(rows), head=head)
    return replace(new, rows=tuple(_as_before(spec, new)))


def _as_before(spec: Spec, new: Spec) -> Iterator[Row]:
    """The new rows, none of which adds its input where the old one did not.

    A row that made other channels than it took is cut, and makes as many: left alone, it would gain a residual. A
    ResNet's would lose the projection of its own: BadInput.
    """
    for (_, old, entered), (index, row, entering) in zip(walk(spec), walk(new), strict=True):
        gained = _passed_on(row, entering) and not _passed_on(old, entered)
        if gained and isinstance(row, Residual):
            raise must_be(f"rows.{index}.channels", f"other than the {entering} that enter", row.channels)
        yield replace(row, skip=False) if gained and isinstance(row, InvertedResidual) else row


def _inside(row: Row) -> Iterator[Place]:
    """The widths inside a block, which nothing outside sees."""
    match row:
        case Fire():
            yield ("squeeze",)
        case InvertedResidual(expanded=int()):
            yield ("expanded",)
        case ShuffleUnit1() | ShuffleUnit2() | Residual():
            yield ("middle",)
    if isinstance(row, InvertedResidual | ShuffleUnit2) and row.squeeze_excite is not None:
        yield "squeeze_excite", "channels"


def _passed_on(row: Row, entering: int) -> bool:
    """Whether the channels that enter a row are among those that leave it."""
    match row:
        case InvertedResidual():
            return row.skip and row.stride == 1 and row.channels == entering
        case Residual():
            return row.stride == 1 and row.channels == entering
        case ShuffleUnit1():
            return True
        case ShuffleUnit2():
            return row.stride == 1
        case Fire():
            return row.bypass == "simple"
    return False


def _read(record: Any, place: Place) -> int:
    for part in place:
        record = record[part] if isinstance(part, int) else getattr(record, part)
    return int(record)


def _changed(record: Any, place: Sequence[str | int], by: int) -> Any:
    """A record with the number at `place` changed by `by`."""
    if not place:
        return record + by
    first, *rest = place
    if isinstance(first, int):
        return (*record[:first], _changed(record[first], rest, by), *record[first + 1 :])
    return replace(record, **{first: _changed(getattr(record, first), rest, by)})
