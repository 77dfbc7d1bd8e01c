"""Mixup and cutmix: two images of a batch become one, and so do their labels."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from featherlight.training.recipe import Recipe


def mixed(images: Tensor, labels: Tensor, recipe: Recipe, classes: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Each image together with its neighbour in the batch, by mixup or by cutmix, and what share of it is which class.

    Images are float (N, C, H, W), and keep their layout in memory; labels int64 (N,) become float32 (N, classes). The
    share is one for the batch, drawn from Beta(a, a) with `recipe.mixup` or `recipe.cutmix` as a. If both are above 0,
    each batch takes one of the two, as often as the other; if neither is, nothing is mixed.
    """
    targets = F.one_hot(labels, classes).float()
    ways = [way for way in ((recipe.mixup, mixup), (recipe.cutmix, cutmix)) if way[0] > 0]
    if not ways:
        return images, targets
    parameter, way = ways[int(torch.randint(len(ways), (), generator=generator))]
    images, share = way(images, _beta(parameter, generator), generator)
    return images, targets.lerp(targets.roll(1, 0), share)


def mixup(images: Tensor, share: float, generator: Generator) -> tuple[Tensor, float]:
    """Each image blended with this share of its neighbour, and the share (Zhang et al. 2018, section 2)."""
    return images.lerp(images.roll(1, 0), share), share


def cutmix(images: Tensor, share: float, generator: Generator) -> tuple[Tensor, float]:
    """Each image with a part of its neighbour pasted in its place, and the share of the pixels that it has.

    A box of the image's shape and this share of its area has its middle anywhere; what lies outside the image is cut
    off, and the share that is given back is of what remains (Yun et al. 2019, section 3.1).
    """
    height, width = images.shape[2:]
    across, down = torch.rand(2, generator=generator).tolist()
    top, bottom = _span(height, share**0.5, down)
    left, right = _span(width, share**0.5, across)
    images = images.clone()
    images[:, :, top:bottom, left:right] = images[:, :, top:bottom, left:right].roll(1, 0)
    return images, (bottom - top) * (right - left) / (height * width)


def _span(length: int, share: float, middle: float) -> tuple[int, int]:
    start = round(length * (middle - share / 2))
    end = round(length * (middle + share / 2))
    return max(0, start), min(length, end)


def _beta(parameter: float, generator: Generator) -> float:
    # torch.distributions draws from the global state, so NumPy draws.
    seed = int(torch.randint(1 << 62, (), generator=generator))
    return float(np.random.default_rng(seed).beta(parameter, parameter))
