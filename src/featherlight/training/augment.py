"""Random crops and mirror images of a whole batch at once."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from featherlight.training.recipe import Recipe

# Photographs are decoded at this much more than the size that they are then cropped and resized to.
ROOM = 8 / 7


def decoded_size(recipe: Recipe, size: int) -> int:
    """The size at which `augment` wants its images in order to give `size`."""
    return size if recipe.crop == "pad" else round(size * ROOM)


def augment(images: Tensor, size: int, recipe: Recipe, generator: Generator) -> Tensor:
    """The images as training shall see them this time: uint8 (N, C, S, S) to float32 (N, C, size, size), 0 to 255.

    S is `decoded_size`. Channels-last in memory.
    """
    if recipe.crop == "pad":
        return pad_and_crop(images, recipe.pad, recipe.mirror, generator).float()
    return resized_crop(images, size, recipe.smallest_crop, recipe.mirror, generator)


def pad_and_crop(images: Tensor, pad: int, mirror: bool, generator: Generator) -> Tensor:
    """Each image moved by up to `pad` pixels each way, black moving in, and half of them mirrored; same shape and type.

    One gather does it all: for each image the rows and columns to take.
    """
    count, _, height, width = images.shape
    padded = F.pad(images, (pad, pad, pad, pad)).permute(0, 2, 3, 1)
    top, left = torch.randint(0, 2 * pad + 1, (2, count, 1), generator=generator)
    rows, columns = top + torch.arange(height), left + torch.arange(width)
    if mirror:
        columns = torch.where(_half(count, generator), columns.flip(1), columns)
    taken = padded[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return taken.permute(0, 3, 1, 2)


def resized_crop(images: Tensor, size: int, smallest: float, mirror: bool, generator: Generator) -> Tensor:
    """A random part of each image, resized bilinearly to `size`, half of them mirrored: float32 (N, C, size, size).

    The part has `smallest` to all of the area and sides of 3:4 to 4:3 (Szegedy et al. 2015, section 6).
    """
    count, channels = images.shape[:2]
    area, stretch, across, down = torch.rand((4, count), generator=generator)
    area = smallest + (1 - smallest) * area
    stretch = torch.exp((2 * stretch - 1) * math.log(4 / 3))
    width, height = (area * stretch).sqrt().clamp(max=1), (area / stretch).sqrt().clamp(max=1)
    # affine_grid counts from -1 to 1: the part's centre may move by 1 - width to either side.
    across, down = (2 * across - 1) * (1 - width), (2 * down - 1) * (1 - height)
    if mirror:
        width = torch.where(_half(count, generator)[:, 0], -width, width)
    zero = torch.zeros(count)
    theta = torch.stack([width, zero, across, zero, height, down], 1).reshape(count, 2, 3)
    grid = F.affine_grid(theta, [count, channels, size, size], align_corners=False)
    # "border": rounding must not let black in at the edges.
    parts = F.grid_sample(images.float(), grid, padding_mode="border", align_corners=False)
    return parts.contiguous(memory_format=torch.channels_last)


def _half(count: int, generator: Generator) -> Tensor:
    return torch.rand((count, 1), generator=generator) < 0.5
