"""The images in a column of a Hugging Face table."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from featherlight.data.photo import decode_photo, read_photo
from featherlight.data.pictures import file_digest, file_size
from featherlight.errors import BadInput


class Rows:
    """Images in the one column of a table: a cell holds a file's bytes, or the path of one below a folder of `homes`.

    `rows` are those of the split, `place` is what to call the table.
    """

    def __init__(self, table: Any, rows: NDArray[np.int64], place: str, homes: Sequence[str]) -> None:
        self._table, self._rows, self._place = table, rows, place
        self._homes = [os.path.realpath(home) for home in homes]

    def __len__(self) -> int:
        return len(self._rows)

    def name(self, index: int) -> str:
        """The source, the split and the row, as if it were a path."""
        return f"{self._place}/{self._rows[index]}"

    def open(self, index: int, enough: int | None) -> Image.Image:
        """The photograph in the cell, or in the file that it names."""
        match self._cell(index):
            case bytes(content):
                return decode_photo(content, repr(self.name(index)), enough=enough)
            case str(path):
                return read_photo(path, enough=enough)
        raise BadInput(f"{self.name(index)!r} has no image, or one outside of the data set")

    def sizes(self) -> NDArray[np.int64]:
        """The sizes of the files, wherever they are."""
        return np.fromiter((self._size(index) for index in range(len(self))), np.int64, len(self))

    def digest(self, index: int) -> str | None:
        """The digest of the file's bytes."""
        match self._cell(index):
            case bytes(content):
                return hashlib.sha256(content).hexdigest() if content else None
            case str(path):
                return file_digest(path)
        return None

    def _size(self, index: int) -> int:
        match self._cell(index):
            case bytes(content):
                return len(content)
            case str(path):
                return file_size(path)
        return 0

    def _cell(self, index: int) -> bytes | str | None:
        """The file's bytes or its path; None where there is neither, or the path leads elsewhere.

        Whoever made the table must not make us read another file of this machine.
        """
        (cell,) = self._table[int(self._rows[index])].values()
        content: bytes | None = cell and cell["bytes"]
        path: str | None = cell and cell["path"]
        if content is not None or path is None or "\0" in path:
            return content
        real = os.path.realpath(path)
        return path if any(real.startswith(home + os.sep) for home in self._homes) else None
