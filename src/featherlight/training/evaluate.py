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
    indices = np.arange(len(split))
    right: NDArray[np.bool_] = scores(model, split, preprocessing, indices).argmax(1) == split.labels
    sound = split.sound(indices)
    if not sound.any():
        raise BadInput(f"none of the images can be read; for one, {split.broken[0]}")
    return right[sound]


def scores(
    model: nn.Module, split: Split, preprocessing: Preprocessing, indices: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """The model's scores (logits), in evaluation mode, for these images of a split, or all: float32 (N, classes)."""
    chosen = np.arange(len(split)) if indices is None else indices
    training = [module.training for module in model.modules()]
    model.eval()
    try:
        parts = range(0, len(chosen), BATCH)
        return np.concatenate([_scores(model, split, preprocessing, chosen[part : part + BATCH]) for part in parts])
    finally:
        for module, was in zip(model.modules(), training, strict=True):  # rows that are frozen stay in evaluation mode
            module.training = was


def _scores(
    model: nn.Module, split: Split, preprocessing: Preprocessing, indices: NDArray[np.int64]
) -> NDArray[np.float32]:
    images = torch.from_numpy(split.prepared(indices, preprocessing)).contiguous(memory_format=torch.channels_last)
    device = next((tensor.device for tensor in model.parameters()), torch.device("cpu"))
    with torch.inference_mode():
        answer: NDArray[np.float32] = model(images.to(device)).cpu().numpy()
    return answer
