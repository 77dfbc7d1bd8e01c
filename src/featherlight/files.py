"""Every file Featherlight writes goes through here, so that none is ever half-written.

The recipe: a temporary file in the same folder, flush, fsync, `os.replace`, fsync of the folder. Whoever looks, and
whenever the power goes, sees the old file or the new one.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from featherlight.errors import BadInput, DiskFull

FULL = (errno.ENOSPC, errno.EDQUOT)  # the disk, or what the user may have of it


def cache_folder() -> Path:
    """Where downloads and compiled networks are kept: $FEATHERLIGHT_CACHE, else a folder in the platform's cache."""
    if chosen := os.environ.get("FEATHERLIGHT_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "featherlight"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "featherlight" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "featherlight"


def check_no_folder(path: Path, what: str) -> None:
    """Raise BadInput where `path`, which `what` asked for, is a folder: asked before long work, not after it."""
    if path.is_dir():
        raise BadInput(f"{what} must be the name of a file; {os.fspath(path)!r} is a folder")


def is_full(error: BaseException) -> bool:
    """Whether it says that there is no room."""
    return isinstance(error, DiskFull) or _lacks_room(error) is not None


def _lacks_room(error: BaseException) -> str | None:
    """What the system says where there is no room, as Python tells it or a library in Rust does (safetensors)."""
    told = (
        number for number in FULL if getattr(error, "errno", None) == number or f"(os error {number})" in str(error)
    )
    return next(map(os.strerror, told), None)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """A block that writes `path`: where there is no room for it, it raises DiskFull, which names the path."""
    try:
        yield
    except Exception as error:
        reason = _lacks_room(error)
        if isinstance(error, DiskFull) or reason is None:
            raise
        raise DiskFull(f"{path} cannot be written: {reason}; free some room") from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it takes the place of `path` when the block ends without an error.

    For writers that want a path of their own. After an error nothing is left and `path` is as it was. Raises DiskFull
    where there is no room.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:64]}.", suffix=".part")
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            _keep_mode(temporary, path)
            _sync(temporary)
            os.replace(temporary, path)
            _sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, document: Any) -> None:
    """Write `document` to `path` as JSON, whole or not at all; NaN and infinity are refused."""
    write_text(path, json.dumps(document, indent=2, allow_nan=False) + "\n")


def sha256(path: Path) -> str:
    """The SHA-256 of a file's contents, as lower-case hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _keep_mode(temporary: Path, path: Path) -> None:
    # mkstemp makes files that only their owner can read; a replaced file keeps its mode, a new one follows the umask.
    if path.exists():
        mode = path.stat().st_mode & 0o777
    else:
        umask = os.umask(0)
        os.umask(umask)
        mode = 0o666 & ~umask
    os.chmod(temporary, mode)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
