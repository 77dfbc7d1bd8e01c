"""A trained network with all it takes to name what a photograph shows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast, overload

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from featherlight.data import Preprocessing, prepare, read_photo
from featherlight.errors import must_be
from featherlight.layers import Network
from featherlight.predict.probabilities import softmax

Photo: TypeAlias = "str | os.PathLike[str] | Image.Image | NDArray[np.uint8]"
"""A path, a Pillow image, or pixels: uint8 (H, W, 3), (H, W, 1) or (H, W)."""

_BATCH = 32


@dataclass(frozen=True)
class Prediction:
    """A class that a photograph may show, and how sure the network is of it."""

    label: str
    index: int
    probability: float


@dataclass(frozen=True, eq=False)
class Classifier:
    """A network in evaluation mode, the names of its classes, and what becomes of a photograph before it sees it."""

    model: Network
    label_names: tuple[str, ...]
    preprocessing: Preprocessing

    @overload
    def predict(self, images: Photo, top: int = 5) -> list[Prediction]: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, images: Sequence[Photo], top: int = 5) -> list[list[Prediction]]: ...
    def predict(self, images: Photo | Sequence[Photo], top: int = 5) -> list[Prediction] | list[list[Prediction]]:
        """The `top` most likely classes, best first: of one photograph, or of each of several.

        Raises BadInput for a photograph that cannot be read; of several none is named then.
        """
        if top < 1:
            raise must_be("top", "a whole number of at least 1", top)
        if _is_one(images):
            return self._best(self.scores([cast("Photo", images)])[0], top)
        return [self._best(scores, top) for scores in self.scores(cast("Sequence[Photo]", images))]

    def scores(self, images: Sequence[Photo]) -> NDArray[np.float32]:
        """What the network says of each photograph: float32 (N, classes), before the softmax."""
        batches = [self._run(self.prepare(images[start : start + _BATCH])) for start in range(0, len(images), _BATCH)]
        return np.concatenate(batches) if batches else np.zeros((0, len(self.label_names)), np.float32)

    def prepare(self, images: Sequence[Photo]) -> NDArray[np.float32]:
        """What the network sees of each photograph: float32 (N, C, H, W)."""
        return np.stack([prepare(_open(image), self.preprocessing) for image in images])

    def _run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            scores = self.model(torch.from_numpy(images))
        found: NDArray[np.float32] = scores.numpy()
        return found

    def _best(self, scores: NDArray[np.float32], top: int) -> list[Prediction]:
        shares = softmax(scores)
        best = np.argsort(-shares, kind="stable")[:top]
        return [Prediction(self.label_names[index], int(index), float(shares[index])) for index in best]


def _is_one(images: object) -> bool:
    if isinstance(images, np.ndarray):
        return images.ndim < 4
    return not isinstance(images, Sequence) or isinstance(images, str)


def _open(image: Photo) -> Image.Image:
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
