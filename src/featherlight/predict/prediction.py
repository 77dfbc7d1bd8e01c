"""What a network says of photographs, in words: classes by their names, best first."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from featherlight.data import read_photo
from featherlight.errors import must_be
from featherlight.predict.probabilities import softmax

Photo: TypeAlias = "str | os.PathLike[str] | Image.Image | NDArray[np.uint8]"
"""A path, a Pillow image, or pixels: uint8 (H, W, 3), (H, W, 1) or (H, W)."""


@dataclass(frozen=True)
class Prediction:
    """A class that a photograph may show, and how sure the network is of it."""

    label: str
    index: int
    probability: float


def name_best(
    images: Photo | Sequence[Photo],
    top: int,
    scores: Callable[[Sequence[Photo]], NDArray[np.float32]],
    label_names: Sequence[str],
) -> list[Prediction] | list[list[Prediction]]:
    """The `top` most likely classes of one photograph, or of each of several, by the scores that are given of them."""
    if top < 1:
        raise must_be("top", "a whole number of at least 1", top)
    if _is_one(images):
        return _best(scores([cast("Photo", images)])[0], top, label_names)
    return [_best(each, top, label_names) for each in scores(cast("Sequence[Photo]", images))]


def open_photo(image: Photo) -> Image.Image:
    """The photograph; raises BadInput where it cannot be read or is none."""
    if isinstance(image, Image.Image):
        return image
    if isinstance(image, np.ndarray):
        pixels = image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
        if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)):
            raise must_be("image", "uint8 of shape (H, W, 3) or (H, W)", f"{image.dtype} of shape {image.shape}")
        return Image.fromarray(pixels)
    if isinstance(image, str | os.PathLike):
        return read_photo(image)
    raise must_be("image", "a path, a Pillow image or an array", type(image).__name__)


def _best(scores: NDArray[np.float32], top: int, label_names: Sequence[str]) -> list[Prediction]:
    shares = softmax(scores)
    best = np.argsort(-shares, kind="stable")[:top]
    return [Prediction(label_names[index], int(index), float(shares[index])) for index in best]


def _is_one(images: object) -> bool:
    if isinstance(images, np.ndarray):
        return images.ndim < 4
    return not isinstance(images, Sequence) or isinstance(images, str)
