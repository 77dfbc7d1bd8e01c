"""What a network sees of its images, decided once from the training images and saved with it."""

from __future__ import annotations

import numpy as np

from featherlight.data import Dataset, Preprocessing
from featherlight.spec.small_images import LARGEST

SAMPLE = 2000  # training images whose mean and deviation stand for all


def preprocessing_for(dataset: Dataset, size: int) -> Preprocessing:
    """For a network trained from scratch: small images whole and normalised by their own mean and deviation,
    photographs as ImageNet's networks see them.
    """
    if size > LARGEST and dataset.channels == 3:
        return Preprocessing(size)
    some = np.sort(np.random.default_rng(0).permutation(len(dataset.train))[:SAMPLE])
    # Decoded as training will want them: small images then stay in memory for it.
    pixels = dataset.train.images(some, size, draft=True)[dataset.train.sound(some)] / 255
    mean, std = pixels.mean((0, 2, 3)), pixels.std((0, 2, 3)).clip(1e-3)
    return Preprocessing(size, tuple(mean.round(4).tolist()), tuple(std.round(4).tolist()), crop_pct=1.0)


def preprocessing_of_weights(weights: Preprocessing, dataset: Dataset, size: int) -> Preprocessing:
    """For a network whose weights expect `weights`: the same at another size and, for grey images, in grey.

    Small images are seen whole: there is nothing at their edges to leave out.
    """
    mean, std = weights.mean, weights.std
    if len(mean) != dataset.channels:
        mean, std = ((sum(each) / len(each),) * dataset.channels for each in (mean, std))
    crop_pct = 1.0 if size <= LARGEST else weights.crop_pct
    return Preprocessing(size, mean, std, crop_pct, weights.interpolation)
