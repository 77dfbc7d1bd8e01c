r"""One file that holds a compiled network: `net.flight`.

    0   8 bytes   b"\x89FLIGHT\n"
    8   uint32    version of this format and of the context's words
    12  uint32    bytes of the header
    16  uint64    bytes of the file
    24  8 bytes   zero
    32  32 bytes  SHA-256 of the whole file but these 32 bytes
    64            the header, JSON; then the code and the weights, each from a page's beginning on; all little-endian

The digest finds damage. It does not make a stranger's file safe: a flight file is a program, to be loaded only from
those whose programs one would run.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from pathlib import Path
from typing import Any

from featherlight_runtime.errors import FlightError
from featherlight_runtime.memory import pages
from featherlight_runtime.network import Network
from featherlight_runtime.program import Array, Program

VERSION = 1
MAGIC = b"\x89FLIGHT\n"
_START = struct.Struct("<8sIIQ8x")
_HEADER = _START.size + 32  # where it begins: after the digest
_PAGE = 4096


def load(path: str | os.PathLike[str], threads: int = 1) -> Network:
    """The network in a flight file, ready to be called.

    Raises FlightError, a sentence, for a file that is not there, no flight file, cut short, altered or newer than this
    runtime, for a processor without the instructions that it was compiled for, and for `threads` below 1.
    """
    return Network(read(path), threads)


def read(path: str | os.PathLike[str]) -> Program:
    """The program in a flight file; raises FlightError as `load` does."""
    name = os.fspath(path)
    if not Path(name).is_file():
        raise FlightError(f"a flight file must be there; {name!r} is no file")
    try:
        with Path(name).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            _check(file.read(_HEADER), size, name)  # before all of it is read: it may be anything
            file.seek(0)
            held = pages(size).data[:size]
            filled = file.readinto(held)
    except OSError as error:
        raise FlightError(f"a flight file must be one that can be read; {name!r} cannot ({error.strerror})") from error
    return unpack(held[:filled], name)


def unpack(data: memoryview, name: str) -> Program:
    """The program that the bytes of a flight file hold, without copying it; `name` is what errors call it."""
    header = _check(data[:_HEADER], len(data), name)
    if _digest(data) != data[_START.size : _HEADER]:
        raise FlightError(f"a flight file must be as it was written; {name!r} was altered")
    try:
        return _program(data, json.loads(bytes(data[_HEADER:][:header])), _HEADER + header)
    except (KeyError, TypeError, ValueError) as error:
        raise FlightError(f"a flight file must have a header that says what is in it; {name!r} has none") from error


def _check(start: bytes | memoryview, there: int, name: str) -> int:
    """The length of the header of a file that begins so and has so many bytes; raises FlightError if it is another."""
    if len(start) < _HEADER or start[: len(MAGIC)] != MAGIC:
        raise FlightError(f"a flight file must begin as one; {name!r} is something else")
    _, version, header, size = _START.unpack_from(start)
    if version > VERSION:
        raise FlightError(
            f"a flight file must be of version {VERSION} or before; {name!r} is of version {version}: "
            f"install a newer featherlight-runtime"
        )
    if there < size:
        raise FlightError(f"a flight file must be whole; {name!r} ends after {there} of its {size} bytes")
    if there > size:
        raise FlightError(f"a flight file must be as it was written; {name!r} was altered")
    return int(header)


def pack(program: Program) -> bytes:
    """A flight file of the program."""
    head: dict[str, Any] = {
        name: getattr(program, name)
        for name in ("entries", "arena", "inputs", "outputs", "instructions", "steps", "about")
    }
    sections = {"code": bytes(program.code), "weights": bytes(program.weights)}
    text = json.dumps({**head, "sections": {name: len(data) for name, data in sections.items()}}, allow_nan=False)
    header = text.encode()
    body = bytearray(bytes(_HEADER) + header)
    for data in sections.values():
        body += bytes(-len(body) % _PAGE) + data
    _START.pack_into(body, 0, MAGIC, VERSION, len(header), len(body))
    body[_START.size : _HEADER] = _digest(memoryview(body))
    return bytes(body)


def _program(data: memoryview, head: dict[str, Any], at: int) -> Program:
    """What the header says that is in the data, its sections from `at` on."""
    found = {}
    for name in ("code", "weights"):
        at += -at % _PAGE
        found[name] = data[at : at + head["sections"][name]]
        at += head["sections"][name]
    if at != len(data):
        raise ValueError
    return Program(
        code=found["code"],
        entries=head["entries"],
        weights=found["weights"],
        arena=head["arena"],
        inputs=_arrays(head["inputs"]),
        outputs=_arrays(head["outputs"]),
        instructions=tuple(head["instructions"]),
        steps=tuple(head["steps"]),
        about=head["about"],
    )


def _arrays(listed: list[tuple[list[int], str]]) -> tuple[Array, ...]:
    return tuple(Array(tuple(shape), dtype) for shape, dtype in listed)


def _digest(data: memoryview) -> bytes:
    digest = hashlib.sha256(data[: _START.size])
    digest.update(data[_HEADER:])
    return digest.digest()
