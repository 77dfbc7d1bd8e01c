"""TrivialAugment and RandAugment: a random operation of random strength for each image of a batch.

TrivialAugment (Mueller and Hutter 2021) takes one operation of any strength, RandAugment (Cubuk et al. 2020) two of one
strength. The fourteen operations, of which one changes nothing, are those of the latter's section 3. kornia has both
policies, but draws one operation for the whole batch, from PyTorch's global random state; so the draw is made here, and
kornia's functions are called on the images that drew the same operation.
"""

from __future__ import annotations

from collections.abc import Callable

import kornia.enhance as enhance
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

# Images of 0 to 1, float32 (N, C, S, S), and a strength of -1 to 1 for each; to images of the same form.
Operation = Callable[[Tensor, Tensor], Tensor]

# RandAugment's 9 of 30, which the paper's section 4.3 found for ImageNet with ResNet-50.
MODERATE = 0.3


def trivial(images: Tensor, generator: Generator) -> Tensor:
    """The images, float32 (N, C, S, S) of 0 to 255, each changed in place by one operation of a strength of its own."""
    return _one_each(images, torch.rand(len(images), generator=generator), generator)


def rand(images: Tensor, generator: Generator) -> Tensor:
    """The images, float32 (N, C, S, S) of 0 to 255, each changed in place by two operations of moderate strength."""
    moderate = torch.full((len(images),), MODERATE)
    return _one_each(_one_each(images, moderate, generator), moderate, generator)


def operations(channels: int) -> tuple[Operation, ...]:
    """What an image of so many channels can draw, beside staying as it is: only RGB images have a saturation."""
    return (*OPERATIONS, saturation) if channels == 3 else OPERATIONS


def _one_each(images: Tensor, strength: Tensor, generator: Generator) -> Tensor:
    count, known = len(images), operations(images.shape[1])
    chosen = torch.randint(len(known) + 1, (count,), generator=generator)  # the last number is no operation
    strength = strength * (2 * torch.randint(2, (count,), generator=generator) - 1)
    for number, operation in enumerate(known):
        (places,) = torch.nonzero(chosen == number, as_tuple=True)
        if len(places):
            images[places] = operation(images[places] / 255, strength[places]) * 255
    return images


def auto_contrast(images: Tensor, strength: Tensor) -> Tensor:
    """Each channel stretched to the whole range; a flat one stays, which kornia's normalize_min_max turns black."""
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    flat = low == high
    return (images - low.masked_fill(flat, 0)) / (high - low).masked_fill(flat, 1)


def equalize(images: Tensor, strength: Tensor) -> Tensor:
    """Each channel with a flat histogram."""
    return enhance.equalize(images)


def brightness(images: Tensor, strength: Tensor) -> Tensor:
    """Blended with black, or away from it, by up to 0.9."""
    return enhance.adjust_brightness_accumulative(images, 1 + 0.9 * strength)


def contrast(images: Tensor, strength: Tensor) -> Tensor:
    """Blended with its mean grey, or away from it, by up to 0.9."""
    return enhance.adjust_contrast_with_mean_subtraction(images, 1 + 0.9 * strength)


def saturation(images: Tensor, strength: Tensor) -> Tensor:
    """Blended with itself in grey, or away from it, by up to 0.9; RGB only."""
    return enhance.adjust_saturation_with_gray_subtraction(images, 1 + 0.9 * strength)


def sharpness(images: Tensor, strength: Tensor) -> Tensor:
    """Blended with itself smoothed, or away from it, by up to 0.9."""
    return enhance.sharpness(images, 1 + 0.9 * strength)


def posterize(images: Tensor, strength: Tensor) -> Tensor:
    """The upper 8 to 4 bits of each value; kornia's takes four times as long."""
    step = (2 ** (4 * strength.abs()).round())[:, None, None, None]
    return ((images * 255).round() / step).floor() * step / 255


def solarize(images: Tensor, strength: Tensor) -> Tensor:
    """Inverted where brighter than a threshold of 256 down to 0."""
    return enhance.solarize(images, (1 - strength.abs()) * 256 / 255)


def rotate(images: Tensor, strength: Tensor) -> Tensor:
    """Turned about the middle by up to 30 degrees."""
    angle = torch.deg2rad(30 * strength)
    return _warp(images, (angle.cos(), -angle.sin(), 0), (angle.sin(), angle.cos(), 0))


def shear_x(images: Tensor, strength: Tensor) -> Tensor:
    """Slanted along the rows by up to 0.3."""
    return _warp(images, (1, 0.3 * strength, 0), (0, 1, 0))


def shear_y(images: Tensor, strength: Tensor) -> Tensor:
    """Slanted along the columns by up to 0.3."""
    return _warp(images, (1, 0, 0), (0.3 * strength, 1, 0))


def translate_x(images: Tensor, strength: Tensor) -> Tensor:
    """Moved along the rows by up to 0.3 of the width."""
    return _warp(images, (1, 0, 0.6 * strength), (0, 1, 0))


def translate_y(images: Tensor, strength: Tensor) -> Tensor:
    """Moved along the columns by up to 0.3 of the height."""
    return _warp(images, (1, 0, 0), (0, 1, 0.6 * strength))


OPERATIONS: tuple[Operation, ...] = (
    *(auto_contrast, equalize, brightness, contrast, sharpness, posterize, solarize),
    *(rotate, shear_x, shear_y, translate_x, translate_y),
)


def _warp(images: Tensor, *rows: tuple[Tensor | float, ...]) -> Tensor:
    """The images where these rows of an affine map, from -1 to 1 each way, say that a pixel comes from; else black."""
    numbers = [torch.as_tensor(number).expand(len(images)) for row in rows for number in row]
    theta = torch.stack([number.float() for number in numbers], 1).reshape(-1, 2, 3)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)
