"""Photographs small enough to stand inside a page, a few kilobytes each."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable

from PIL import Image

from featherlight.data import Dataset
from featherlight.errors import BadInput

SIDE = 96  # pixels at most; a screen with twice the density shows them at 48


def find_thumbnails(dataset: Dataset, names: Iterable[str]) -> tuple[str, ...]:
    """A data URI for each image of that name; "" for one that is not in the data, or cannot be read."""
    wanted = list(names)
    found = dict.fromkeys(wanted, "")
    for split in (dataset.train, dataset.validation, dataset.test):
        for index in range(len(split)):
            if (name := split.name(index)) in found:
                try:
                    found[name] = thumbnail(split.pictures.open(index, SIDE))
                except BadInput:
                    continue
    return tuple(found[name] for name in wanted)


def thumbnail(image: Image.Image) -> str:
    """An image as a data URI, no side above 96 pixels: PNG where it is as small already, else JPEG."""
    small = image.convert("L" if image.mode == "L" else "RGB")
    whole = max(small.size) <= SIDE
    small.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    if whole:
        small.save(buffer, "PNG", optimize=True)
    else:
        small.save(buffer, "JPEG", quality=75, optimize=True)
    return f"data:image/{'png' if whole else 'jpeg'};base64,{base64.b64encode(buffer.getvalue()).decode()}"
