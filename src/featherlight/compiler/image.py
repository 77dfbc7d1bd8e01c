"""An object file of LLVM's, linked to machine code that runs wherever it is put.

Sections that are loaded stand one after the other in one block of bytes, and what one says about another's place is
filled in. Since only distances are, the block can be mapped at any address; code that needs an address, a library or
memory of its own to write to is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from featherlight.errors import Failure

_ALIGNMENT = 64  # bytes, of a section
_ALLOCATED, _WRITABLE = 2, 1  # flags of a section that is loaded, and of one that is written to
_SYMBOLS, _ADDENDS, _EMPTY = 2, 4, 8  # types of sections
_UNWIND = ".eh_frame"  # how to unwind the stack: nobody does
_GLOBAL, _FUNCTION = 1, 2  # a symbol's binding and type


@dataclass(frozen=True)
class Image:
    """Code that can be mapped at any page, read-only, and where in it each exported function begins."""

    code: bytes
    entries: Mapping[str, int]


class _Section(NamedTuple):
    name: str
    type: int
    flags: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int


class _Symbol(NamedTuple):
    name: str
    kind: int
    section: int
    value: int


def _distance(code: bytearray, place: int, distance: int) -> None:
    struct.pack_into("<i", code, place, distance)


def _far(code: bytearray, place: int, distance: int) -> None:
    struct.pack_into("<q", code, place, distance)


# By ELF's number of the machine, the relocations that are distances, and how one is written down.
_DISTANCES: dict[int, dict[int, Callable[[bytearray, int, int], None]]] = {
    62: {2: _distance, 4: _distance, 24: _far},  # x86-64: PC32, PLT32, PC64
}


def link(object_code: bytes) -> Image:
    """The image of an ELF object file; raises Failure, naming the symbol, where it needs more than itself."""
    machine = _machine(object_code)
    sections = _sections(object_code)
    places, code = _laid_out(object_code, sections)
    for section in sections:
        if section.type == _ADDENDS and section.info in places:
            _relocate(object_code, sections, section, places, code, _DISTANCES[machine])
    entries = {
        symbol.name: places[symbol.section] + symbol.value
        for table in sections
        if table.type == _SYMBOLS
        for symbol in _symbols(object_code, sections, table)
        if symbol.kind == _GLOBAL << 4 | _FUNCTION and symbol.section in places
    }
    return Image(bytes(code), entries)


def _machine(data: bytes) -> int:
    machine: int = struct.unpack_from("<H", data, 18)[0] if len(data) > 64 else 0
    if data[:6] != b"\x7fELF\2\1" or machine not in _DISTANCES:
        raise Failure("object code must be 64-bit little-endian ELF of a processor that the linker knows")
    return machine


def _sections(data: bytes) -> list[_Section]:
    (start,) = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<3H", data, 58)
    rows = [struct.unpack_from("<IIQQQQIIQQ", data, start + number * size) for number in range(count)]
    return [
        _Section(_text(data, rows[names][4] + name), kind, flags, offset, length, link, info, alignment)
        for name, kind, flags, _, offset, length, link, info, alignment, _ in rows
    ]


def _laid_out(data: bytes, sections: list[_Section]) -> tuple[dict[int, int], bytearray]:
    """Where each loaded section stands in the image, by its number, and the image before relocation."""
    places, code = {}, bytearray()
    for number, section in enumerate(sections):
        if not section.flags & _ALLOCATED or not section.size or section.name.startswith(_UNWIND):
            continue
        if section.flags & _WRITABLE or section.type == _EMPTY:
            raise Failure(
                f"compiled code must keep its state in the context; section {section.name!r} holds "
                f"{section.size} bytes of variables (declare constants as constant)"
            )
        code += bytes(-len(code) % max(_ALIGNMENT, section.alignment))
        places[number] = len(code)
        code += data[section.offset : section.offset + section.size]
    return places, code


def _relocate(
    data: bytes,
    sections: list[_Section],
    section: _Section,
    places: Mapping[int, int],
    code: bytearray,
    distances: Mapping[int, Callable[[bytearray, int, int], None]],
) -> None:
    """Fill in, in the section that `section` is about, the distances to symbols."""
    symbols = list(_symbols(data, sections, sections[section.link]))
    for offset, info, addend in struct.iter_unpack("<QQq", data[section.offset : section.offset + section.size]):
        symbol, kind = symbols[info >> 32], info & 0xFFFFFFFF
        name = symbol.name or (sections[symbol.section].name if symbol.section < len(sections) else "")
        if symbol.section not in places:
            raise Failure(f"compiled code must call nothing outside itself; it asks for {name!r}")
        if kind not in distances:
            raise Failure(
                f"compiled code must run at any address; it asks for that of {name!r} (relocation {kind}; declare it "
                f"internal)"
            )
        place = places[section.info] + offset
        distances[kind](code, place, places[symbol.section] + symbol.value + addend - place)


def _symbols(data: bytes, sections: list[_Section], table: _Section) -> Iterator[_Symbol]:
    names = sections[table.link].offset
    rows = struct.iter_unpack("<IBBHQQ", data[table.offset : table.offset + table.size])
    for name, kind, _, section, value, _ in rows:
        yield _Symbol(_text(data, names + name), kind, section, value)


def _text(data: bytes, start: int) -> str:
    return data[start : data.index(0, start)].decode()
