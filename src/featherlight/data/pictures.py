"""Where the images of a split come from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from featherlight.data.photo import read_photo


class Pictures(Protocol):
    """Where a split's images come from, in a fixed order."""

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """What to call an image when speaking of it: its path."""
        ...

    def open(self, index: int, enough: int | None) -> Image.Image:
        """An image in RGB or grey; `enough` as in `read_photo`; BadInput if it is broken."""
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
