"""A trained network with all it takes to name what a photograph shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import torch
from numpy.typing import NDArray

from featherlight.data import Preprocessing, prepare
from featherlight.layers import Network
from featherlight.predict.prediction import Photo, Prediction, name_best, open_photo

_BATCH = 32


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
        return name_best(images, top, self.scores, self.label_names)

    def scores(self, images: Sequence[Photo]) -> NDArray[np.float32]:
        """What the network says of each photograph: float32 (N, classes), before the softmax."""
        batches = [self._run(self.prepare(images[start : start + _BATCH])) for start in range(0, len(images), _BATCH)]
        return np.concatenate(batches) if batches else np.zeros((0, len(self.label_names)), np.float32)

    def prepare(self, images: Sequence[Photo]) -> NDArray[np.float32]:
        """What the network sees of each photograph: float32 (N, C, H, W)."""
        return np.stack([prepare(open_photo(image), self.preprocessing) for image in images])

    def _run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            scores = self.model(torch.from_numpy(images))
        found: NDArray[np.float32] = scores.numpy()
        return found
