"""The same image in two splits: what a network has trained on tells nothing about how good it is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from featherlight.data.split import Split


def find_repeated(splits: Mapping[str, Split]) -> tuple[str, ...]:
    """A sentence for each image that already stands in an earlier one of these splits, to the byte.

    Images are the same if their files are (arrays: their pixels). Only those whose size in bytes also occurs in another
    split are read, so that it takes little more than listing the files. What cannot be read is left out: decoding it
    will say so.
    """
    sizes = [split.pictures.sizes() for split in splits.values()]
    first: dict[str, tuple[str, str]] = {}  # digest -> split and name of the image that had it first
    repeated = []
    for number, (place, split) in enumerate(splits.items()):
        for index in np.flatnonzero(_shared(sizes, number)).tolist():
            digest = split.pictures.digest(index)
            if digest is None:
                continue
            where, name = first.setdefault(digest, (place, split.name(index)))
            if where != place:
                repeated.append(f"{split.name(index)!r} ({place}) is the same image as {name!r} ({where})")
    return tuple(repeated)


def _shared(sizes: list[NDArray[np.int64]], number: int) -> NDArray[np.bool_]:
    """Which images of a split are as large as some image of another: bool (N,)."""
    others = [other for place, other in enumerate(sizes) if place != number]
    return (sizes[number] > 0) & np.isin(sizes[number], np.concatenate([*others, np.zeros(0, np.int64)]))
