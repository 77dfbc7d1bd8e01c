"""Programs kept on disk, so that a network is compiled once.

An entry is machine code that will be run, so the folder is read only where nobody else can write to it, an entry only
where its digest is right, and its name is the digest of all that its code depends on. Whatever is wrong with an entry,
it is made again. Processes that fill the folder at once put whole files in each other's place.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

import featherlight
import featherlight_runtime
from featherlight.compiler.instruction_set import InstructionSet
from featherlight.files import cache_folder, write_bytes
from featherlight.graph import Graph
from featherlight_runtime import FlightError, Program, flight

LIMIT = 1 << 30  # bytes of the folder; what was used longest ago goes first


def key(graph: Graph, instructions: InstructionSet, *options: object) -> str:
    """The digest of a graph with its weights, the instructions, options that change the code, LLVM and the compiler."""
    digest = hashlib.sha256(
        digest_of(graph.ops, graph.inputs, graph.outputs, sorted(graph.tensors.items()), instructions, options).encode()
    )
    for name, constant in sorted(graph.constants.items()):
        digest.update(repr((name, constant.dtype.str, constant.shape)).encode())
        digest.update(np.ascontiguousarray(constant).data.cast("B") if constant.size else b"")
    return digest.hexdigest()


def digest_of(*told: object) -> str:
    """The digest of records, LLVM and the compiler."""
    return hashlib.sha256(repr((told, _compiler())).encode()).hexdigest()


def kept(name: str, make: Callable[[], Program], folder: Path | None = None) -> Program:
    """The program of that key in the folder, else what `make` gives, which is then kept.

    Where the folder cannot be used the program is made, and a warning says why.
    """
    try:
        folder = folder or cache_folder() / "compiled"
        _own(folder)
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
        _warn(error)
        return make()
    path = folder / f"{name}.flight"
    with contextlib.suppress(FlightError, OSError):
        program = flight.read(path)
        os.utime(path)
        return program
    program = make()
    try:
        write_bytes(path, flight.pack(program))
        _trim(folder)
    except OSError as error:
        _warn(error)
    return program


def _own(folder: Path) -> None:
    """Make the folder if need be; raise OSError unless it is a folder, ours, that nobody else may enter."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise PermissionError(f"{os.fspath(folder)!r} must be your own folder that nobody else may enter (chmod 700)")


def _trim(folder: Path) -> None:
    """Remove what was used longest ago, half-written files of dead processes included, until the rest fits."""
    found = []
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another process trims too
            status = path.lstat()
            found.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= LIMIT:
            return
        path.unlink(missing_ok=True)
        total -= size


def _warn(error: Exception) -> None:
    warnings.warn(f"compiled networks are not kept: {error}", stacklevel=3)


@functools.cache
def source() -> str:
    """The digest of our own source that makes code of a graph: another one makes other steps, or other code of them."""
    digest = hashlib.sha256()
    house = Path(featherlight.__file__).parent
    for folder in (house / "graph", house / "compiler", Path(featherlight_runtime.__file__).parent):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _compiler() -> tuple[str, str]:
    """What makes code of a graph: LLVM, by the version of the package that brings it, and our own source."""
    return version("llvmlite"), source()
