"""How often a network's first answer is right."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from featherlight.data import Preprocessing, Split
from featherlight.errors import BadInput

BATCH = 256


def evaluate(model: nn.Module, split: Split, preprocessing: Preprocessing) -> float:
    """The top-1 accuracy over a split's sound images, 0 to 1."""
    return float(correct(model, split, preprocessing).mean())


def correct(model: nn.Module, split: Split, preprocessing: Preprocessing) -> NDArray[np.bool_]:
    """Whether the model's first answer is right: bool, one for each image of the split that is not broken, in order.

    The images are prepared as `data.prepare` does it. Raises BadInput if all are broken.
    """
    right: NDArray[np.bool_] = scores(model, split, preprocessing).argmax(1) == split.labels
    sound = split.sound(np.arange(len(split)))
    if not sound.any():
        raise BadInput(f"none of the images can be read; for one, {split.broken[0]}")
    return right[sound]


def scores(model: nn.Module, split: Split, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """The model's scores (logits), in evaluation mode, for every image of a split: float32 (N, classes)."""
    training = model.training
    model.eval()
    try:
        return np.concatenate([_scores(model, split, preprocessing, start) for start in range(0, len(split), BATCH)])
    finally:
        model.train(training)


def _scores(model: nn.Module, split: Split, preprocessing: Preprocessing, start: int) -> NDArray[np.float32]:
    indices = np.arange(start, min(start + BATCH, len(split)))
    images = torch.from_numpy(split.prepared(indices, preprocessing)).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        answer: NDArray[np.float32] = model(images).numpy()
    return answer
