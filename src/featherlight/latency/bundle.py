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
from featherlight.files import write_bytes
from featherlight.graph import Graph, canonical, to_onnx
from featherlight.latency import device
from featherlight.latency.listing import Member, listing
from featherlight.latency.piece import pieces
from featherlight.latency.surroundings import surrounded, with_noise
from featherlight.timing import machine

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # of every file in the archive: equal contents make equal archives


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
    own, networks, lists = listing(members, pieces, _whole, "a bundle")
    contents = {f"networks/{at}.onnx": model for at, model in enumerate(networks)}
    for network, name in zip(lists["networks"], contents, strict=True):
        network["file"] = name
    for at, (listed, piece) in enumerate(zip(lists["pieces"], own, strict=True)):
        model, name = surrounded(piece), f"pieces/{at}.onnx"
        contents[name] = model.onnx
        listed.update(file=name, around=model.around)
    manifest = {
        "format": device.BUNDLE_FORMAT,
        "version": device.VERSION,
        "about": {"featherlight": __version__, **about},
        **lists,
    }
    written = _archive(contents, manifest)
    write_bytes(path, written)
    return Packed(path, len(own), len(networks), len(written))


def _whole(graph: Graph) -> bytes:
    return bytes(to_onnx(with_noise(canonical(graph))).SerializeToString())


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
