"""Where the images of a split come from."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from featherlight.data.photo import read_photo
from featherlight.files import sha256


class Pictures(Protocol):
    """Where a split's images come from, in a fixed order."""

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """What to call an image when speaking of it: its path."""
        ...

    def open(self, index: int, enough: int | None) -> Image.Image:
        """An image in RGB or grey; `enough` as in `read_photo`; BadInput if it is broken."""
        ...

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each image as it is stored: int64 (N,); 0 for what cannot be read."""
        ...

    def digest(self, index: int) -> str | None:
        """The SHA-256 of an image as it is stored; None if it cannot be read."""
        ...


class Files:
    """Photographs in files under one folder."""

    def __init__(self, root: Path, names: Sequence[str]) -> None:
        self._root, self._names = os.fspath(root), names

    def __len__(self) -> int:
        return len(self._names)

    def name(self, index: int) -> str:
        """The file's path."""
        return os.path.join(self._root, self._names[index])

    def open(self, index: int, enough: int | None) -> Image.Image:
        """The photograph in the file."""
        return read_photo(self.name(index), enough=enough)

    def sizes(self) -> NDArray[np.int64]:
        """The files' sizes."""
        return np.fromiter((file_size(self.name(index)) for index in range(len(self))), np.int64, len(self))

    def digest(self, index: int) -> str | None:
        """The digest of the file's bytes."""
        return file_digest(self.name(index))


class Array:
    """Grey images in an array: uint8 (N, H, W)."""

    def __init__(self, name: str, pixels: NDArray[np.uint8]) -> None:
        self._name, self._pixels = name, pixels

    def __len__(self) -> int:
        return len(self._pixels)

    def name(self, index: int) -> str:
        """The array's name and the index."""
        return f"{self._name} {index}"

    def open(self, index: int, enough: int | None) -> Image.Image:
        """The image as it is: there is nothing to decode."""
        return Image.fromarray(self._pixels[index])

    def sizes(self) -> NDArray[np.int64]:
        """The number of pixels, the same for all."""
        return np.full(len(self), self._pixels[0].size if len(self) else 0, np.int64)

    def digest(self, index: int) -> str | None:
        """The digest of the pixels."""
        return hashlib.sha256(self._pixels[index].tobytes()).hexdigest()


def file_size(path: str) -> int:
    """The bytes of a regular file, else 0."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def file_digest(path: str) -> str | None:
    """The SHA-256 of a regular file's bytes; None where there is none, or it cannot be read."""
    try:
        return sha256(Path(path)) if file_size(path) else None  # opening a FIFO would wait for ever
    except OSError:
        return None
