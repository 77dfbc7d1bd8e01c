"""The images of one split (training, validation or test), decoded when asked for."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from featherlight.data.pictures import Pictures
from featherlight.data.preprocessing import Preprocessing, crop, normalise
from featherlight.errors import BadInput

# A split whose decoded images fit in this much memory keeps them: each photograph is decoded once, not once an epoch.
KEPT_BYTES = 1 << 30


class Split:
    """Images with their labels: int64 class indices in `labels`, the images themselves from `images`.

    Images are decoded when first asked for, on all cores. A file that turns out to be broken joins `broken`, and stands
    as a black image in what `images` returns; `sound` says which to leave out. Not to be used from two threads at once.
    """

    def __init__(self, pictures: Pictures, labels: NDArray[np.int64], channels: int) -> None:
        self.labels = labels
        self.channels = channels
        self.pictures = pictures
        self._broken: dict[int, str] = {}
        self._kept_as: tuple[Preprocessing, bool] | None = None
        self._kept = np.zeros((0,), np.uint8)
        self._known = np.zeros((0,), bool)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def broken(self) -> tuple[str, ...]:
        """A sentence for each image found broken so far, in the split's order; each names its file."""
        return tuple(self._broken[index] for index in sorted(self._broken))

    def sound(self, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these images, once decoded, were not broken: bool (N,)."""
        return np.array([int(index) not in self._broken for index in indices], bool)

    def name(self, index: int) -> str:
        """The path of an image, or what stands for it."""
        return self.pictures.name(index)

    def keeps(self, size: int) -> bool:
        """Whether images of `size` pixels stay in memory once decoded: the whole split fits in KEPT_BYTES."""
        return self._keeps(size, self.channels)

    def images(
        self,
        indices: NDArray[np.int64],
        size: int,
        *,
        crop_pct: float = 1.0,
        interpolation: str = "bilinear",
        draft: bool = False,
    ) -> NDArray[np.uint8]:
        """These images as uint8 (N, C, size, size), cut as `preprocessing.crop` cuts them.

        By default the whole shorter side is kept. With `draft` a large JPEG is decoded at a half, a quarter or an
        eighth of its size where that suffices: quicker, and good enough to train on. What was asked for last is what
        is kept in memory.
        """
        channels = self.channels
        geometry = Preprocessing(size, (0.0,) * channels, (1.0,) * channels, crop_pct, interpolation)
        return self._images(np.asarray(indices, np.int64), geometry, draft)

    def prepared(self, indices: NDArray[np.int64], preprocessing: Preprocessing) -> NDArray[np.float32]:
        """These images as a network sees them, to the pixel as `data.prepare` makes them: float32 (N, C, size, size).

        The channels are those of `preprocessing`, whatever the split has: a network for grey images sees photographs
        in grey.
        """
        channels = preprocessing.channels
        geometry = replace(preprocessing, mean=(0.0,) * channels, std=(1.0,) * channels)
        return normalise(self._images(np.asarray(indices, np.int64), geometry, draft=False), preprocessing)

    def _images(self, indices: NDArray[np.int64], geometry: Preprocessing, draft: bool) -> NDArray[np.uint8]:
        size, channels = geometry.size, geometry.channels
        if not self._keeps(size, channels):
            return self._decode(indices, geometry, draft)
        if (geometry, draft) != self._kept_as:
            self._kept_as = (geometry, draft)
            # the operating system hands out memory of zeros only as it is written to
            self._kept = np.zeros((len(self), channels, size, size), np.uint8)
            self._known = np.zeros(len(self), bool)
        missing = np.unique(indices[~self._known[indices]])
        if missing.size:
            self._kept[missing] = self._decode(missing, geometry, draft)
            self._known[missing] = True
        return self._kept[indices]

    def _keeps(self, size: int, channels: int) -> bool:
        return len(self) * channels * size * size <= KEPT_BYTES

    def _decode(self, indices: NDArray[np.int64], geometry: Preprocessing, draft: bool) -> NDArray[np.uint8]:
        images = np.zeros((len(indices), geometry.channels, geometry.size, geometry.size), np.uint8)
        # Half as much again as is needed: what was scaled down while decoding is scaled once more, antialiased.
        enough = int(1.5 * geometry.size / geometry.crop_pct) if draft else None

        def fill(places: NDArray[np.int64]) -> None:
            for place in places.tolist():
                index = int(indices[place])
                if index in self._broken:
                    continue
                try:
                    images[place] = crop(self.pictures.open(index, enough), geometry)
                except BadInput as error:
                    self._broken[index] = str(error)

        workers = max(1, min(_cores(), len(indices) // 4))
        if workers == 1:
            fill(np.arange(len(indices)))
        else:
            with ThreadPoolExecutor(workers) as pool:  # Pillow lets other threads run while it decodes and scales
                list(pool.map(fill, np.array_split(np.arange(len(indices)), workers)))
        return images


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
