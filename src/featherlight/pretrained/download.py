"""A file from an address, into the cache folder: resumed where it was cut off, checked by its digest, whole or not."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import TypeAlias
from urllib.error import HTTPError, URLError

from filelock import FileLock

from featherlight.errors import Failure
from featherlight.files import replacing

Progress: TypeAlias = Callable[[int, "int | None"], None]
"""Called with the bytes that are here and the bytes there are in all, None where the server does not say."""

_ATTEMPTS = 4
_TIMEOUT = 30.0  # seconds without a byte
_BLOCK = 1 << 18
_MOST = 1 << 31  # bytes; no weights of these networks come near
_GONE = (401, 403, 404, 410)  # asking again would not help


class _WrongFile(Exception):
    """What came is not what was asked for."""


def matches(path: Path, digest: str) -> bool:
    """Whether a file has this digest: ``sha256:`` or ``sha1:`` and all its hexadecimal digits, or the first of them."""
    algorithm, _, digits = digest.partition(":")
    found = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest().startswith(digits)


def download(
    url: str,
    path: Path,
    digest: str,
    *,
    member: str | None = None,
    progress: Progress | None = None,
    pause: float = 1.0,
) -> None:
    """Bring the file at `url` to `path`, unless it is there already.

    With `member` the address is a zip archive, and that one file of it is what is kept. A connection that drops is
    taken up again three times, after `pause` seconds and twice as long each time; what had come by then is kept beside
    `path` for the next call. Of several processes that ask for the same file one downloads while the others wait.

    Raises Failure, and leaves `path` as it was, where the address cannot be reached, holds nothing, or holds a file
    with another digest.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with FileLock(path.with_name(f"{path.name}.lock")):
        if path.exists() and matches(path, digest):
            return
        # What lies there from the last time may be another file's beginning: then all of it is fetched once more.
        for _ in range(2 if part.exists() else 1):
            _fetch(url, part, progress, pause)
            if _keep(part, path, digest, member):
                return
        raise Failure(f"{url} must hold a file with the digest {digest}; it holds another, which was not kept")


def _fetch(url: str, part: Path, progress: Progress | None, pause: float) -> None:
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        try:
            return _append(url, part, progress)
        except HTTPError as error:
            error.close()
            reason = f"the server answers {error.code} {error.reason}"
            if error.code in _GONE:
                break
        except URLError as error:  # no connection at all
            reason = str(error.reason)
            break
        except (HTTPException, OSError) as error:
            reason = str(error) or type(error).__name__
    raise Failure(f"{url} could not be downloaded: {reason}")


def _append(url: str, part: Path, progress: Progress | None) -> None:
    """Fetch what is not in `part` yet; raises where the connection drops."""
    here = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "featherlight"} | ({"Range": f"bytes={here}-"} if here else {})
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT)
    except HTTPError as error:
        if error.code != 416:  # there is nothing beyond what came the last time; the digest will tell
            raise
        error.close()
        return
    with answer:
        if answer.status != 206:  # a server without ranges sends the whole file again
            here = 0
        total = None if answer.length is None else here + answer.length
        with part.open("ab" if here else "wb") as file:
            while here < _MOST and (block := answer.read(_BLOCK)):
                file.write(block)
                here += len(block)
                if progress:
                    progress(here, total)
        if answer.length:  # announced, and did not come
            raise ConnectionError(f"the connection dropped, {answer.length} bytes are missing")


def _keep(part: Path, path: Path, digest: str, member: str | None) -> bool:
    """Move what came to `path` if it is what was asked for; `part` is gone either way."""
    try:
        with replacing(path) as temporary:
            if member is None:
                os.replace(part, temporary)
            else:
                _unpack(part, member, temporary)
            if not matches(temporary, digest):
                raise _WrongFile
    except _WrongFile:
        return False
    finally:
        part.unlink(missing_ok=True)
    return True


def _unpack(archive: Path, member: str, path: Path) -> None:
    # One member by its name, to a path of our own choosing: no name in the archive decides where anything is written.
    try:
        with zipfile.ZipFile(archive) as zipped, path.open("wb") as file:
            if zipped.getinfo(member).file_size > _MOST:
                raise _WrongFile
            with zipped.open(member) as content:
                shutil.copyfileobj(content, file)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError) as error:
        raise _WrongFile from error
