"""A bundle: the pieces of some networks as ONNX models, and the script that times them, in one archive.

Python runs the archive as it is: ``python pieces.zip``.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featherlight import __version__
from featherlight.errors import must_be
from featherlight.files import write_bytes
from featherlight.graph import Graph, canonical, to_onnx
from featherlight.latency import device
from featherlight.latency.piece import Piece, pieces
from featherlight.latency.surroundings import surrounded, with_noise
from featherlight.timing import machine

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # of every file in the archive: equal contents make equal archives


@dataclass(frozen=True)
class Member:
    """A network whose pieces go into a bundle; one that is `timed` goes whole as well, to calibrate by."""

    name: str
    family: str
    graph: Graph
    timed: bool


@dataclass(frozen=True)
class Packed:
    """What a bundle holds: how many pieces and whole networks."""

    path: Path
    pieces: int
    networks: int
    bytes: int


def pack(members: Iterable[Member], path: Path, **about: Any) -> Packed:
    """Write a bundle with every distinct piece of the `members`; `about` is kept in its tables.

    Raises BadInput where there are no members.
    """
    distinct: dict[str, tuple[int, Piece]] = {}
    contents: dict[str, bytes] = {}
    networks: list[dict[str, Any]] = []
    for member in members:
        own = pieces(member.graph)
        for piece in own:
            distinct.setdefault(piece.key, (len(distinct), piece))
        if member.timed:
            name = f"networks/{len(networks)}.onnx"
            contents[name] = bytes(to_onnx(with_noise(canonical(member.graph))).SerializeToString())
            wired = [(distinct[piece.key][0], piece.reads, piece.writes) for piece in own]
            networks.append({"name": member.name, "family": member.family, "file": name, "pieces": wired})
    if not distinct:
        raise must_be("networks of a bundle", "one or more", "none")
    listed = []
    for at, piece in distinct.values():
        model, name = surrounded(piece), f"pieces/{at}.onnx"
        contents[name] = model.onnx
        listed.append({"key": piece.key, "kind": piece.kind, "multiply_adds": piece.multiply_adds,
                       "bytes": piece.bytes_moved, "file": name, "around": model.around})  # fmt: skip
    manifest = {
        "format": device.BUNDLE_FORMAT,
        "version": device.VERSION,
        "about": {"featherlight": __version__, **about},
        "pieces": listed,
        "networks": networks,
    }
    written = _archive(contents, manifest)
    write_bytes(path, written)
    return Packed(path, len(listed), len(networks), len(written))


def _archive(contents: dict[str, bytes], manifest: dict[str, Any]) -> bytes:
    contents = contents | {device.SCRIPT: _source(device), device.MACHINE: _source(machine)}
    manifest["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    listed = json.dumps(manifest).encode()
    contents |= {device.MANIFEST: listed, device.DIGEST: hashlib.sha256(listed).hexdigest().encode()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _source(module: Any) -> bytes:
    return Path(module.__file__).read_bytes()
