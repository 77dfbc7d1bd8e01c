"""The images of a batch as training sees them: cropped, mirrored, changed by a policy, and partly erased."""

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

    S is `decoded_size`. Channels-last in memory. Everything random comes from `generator`.
    """
    if recipe.crop == "pad":
        seen = pad_and_crop(images, recipe.pad, recipe.mirror, generator).float()
    else:
        seen = resized_crop(images, size, recipe.smallest_crop, recipe.mirror, generator)
    if recipe.policy != "none":
        from featherlight.training import policies  # and with them kornia, which most recipes do without

        seen = {"trivial": policies.trivial, "rand": policies.rand}[recipe.policy](seen, generator)
    return erase(seen, recipe.erase, generator) if recipe.erase else seen


def pad_and_crop(images: Tensor, pad: int, mirror: bool, generator: Generator) -> Tensor:
    """Each image moved by up to `pad` pixels each way, black moving in, and half of them mirrored; same shape and type.

    One gather does it all, in half of the time of kornia's RandomCrop: for each image the rows and columns to take.
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

    The part has `smallest` to all of the area and sides of 3:4 to 4:3 (Szegedy et al. 2015, section 6). Image by image
    in bytes, which PyTorch resizes three times as fast as it samples the whole batch in floats (kornia's way).
    """
    count, channels, side, _ = images.shape
    area, stretch, down, across = torch.rand((4, count), generator=generator)
    area = smallest + (1 - smallest) * area
    stretch = torch.exp((2 * stretch - 1) * math.log(4 / 3))
    height, top = _within(side, (area / stretch).sqrt(), down)
    width, left = _within(side, (area * stretch).sqrt(), across)
    mirrored = _half(count, generator)[:, 0].tolist() if mirror else [False] * count
    parts = _channels_last(count, channels, size)
    for part, image, y, x, h, w, flip in zip(parts, images, top, left, height, width, mirrored, strict=True):
        cut = image[None, :, y : y + h, x : x + w]
        cut = (cut.flip(3) if flip else cut).contiguous(memory_format=torch.channels_last)
        part.copy_(F.interpolate(cut, (size, size), mode="bilinear", antialias=True)[0])
    return parts


def erase(images: Tensor, share: float, generator: Generator) -> Tensor:
    """The images, float32 (N, C, S, S), changed in place: of this share of them a rectangle becomes their mean colour.

    It has 2 to 40 % of the area and sides of 3:10 to 10:3, cut off at the image's edge (Zhong et al. 2020, section 4).
    """
    count, side = len(images), images.shape[-1]
    lost, area, stretch, down, across = torch.rand((5, count), generator=generator)
    area = 0.02 + (0.4 - 0.02) * area
    stretch = torch.exp((2 * stretch - 1) * math.log(10 / 3))
    height, top = _within(side, (area / stretch).sqrt(), down)
    width, left = _within(side, (area * stretch).sqrt(), across)
    for index in torch.nonzero(lost < share)[:, 0].tolist():
        (y, h), (x, w) = (top[index], height[index]), (left[index], width[index])
        images[index, :, y : y + h, x : x + w] = images[index].mean((1, 2), keepdim=True)
    return images


def _within(side: int, share: Tensor, where: Tensor) -> tuple[list[int], list[int]]:
    """Lengths of about `share` of `side` pixels, from 1 to all, and their starts, `where` (0 to 1) they can be."""
    length = (share * side).round().clamp(1, side)
    start = (where * (side - length + 1)).floor().minimum(side - length)
    return [int(one) for one in length], [int(one) for one in start]


def _channels_last(count: int, channels: int, size: int) -> Tensor:
    return torch.empty((count, channels, size, size), memory_format=torch.channels_last)


def _half(count: int, generator: Generator) -> Tensor:
    return torch.rand((count, 1), generator=generator) < 0.5
