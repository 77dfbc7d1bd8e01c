"""From a photograph to the numbers a network expects, as one record that travels with the network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from featherlight.errors import must_be

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True)
class Preprocessing:
    """How a photograph becomes a network's input: the shorter side to ``size / crop_pct``, the centre, then normalised.

    size: pixels of the square that the network sees. mean, std: one number a channel, of pixels in 0 to 1; one channel
    means grey. crop_pct: the share of the shorter side that the square keeps. interpolation: a key of INTERPOLATIONS.
    The field names are those of timm's `pretrained_cfg`. Raises BadInput for a value that cannot be used.
    """

    size: int = 224
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    crop_pct: float = 0.875
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        if self.size < 1:
            raise must_be("size", "a whole number above 0", self.size)
        if len(self.mean) not in (1, 3) or not all(map(math.isfinite, self.mean)):
            raise must_be("mean", "one number (grey) or three (RGB)", self.mean)
        if len(self.std) != len(self.mean) or not all(0 < value < math.inf for value in self.std):
            raise must_be("std", f"{len(self.mean)} numbers above 0, one for each of mean", self.std)
        if not 0 < self.crop_pct <= 1:
            raise must_be("crop_pct", "above 0 and at most 1", self.crop_pct)
        if self.interpolation not in list(INTERPOLATIONS):
            raise must_be("interpolation", f"one of {', '.join(INTERPOLATIONS)}", self.interpolation)

    @property
    def channels(self) -> int:
        """1 for grey, 3 for RGB."""
        return len(self.mean)

    def to_config(self) -> dict[str, Any]:
        """The record under the names of timm's `pretrained_cfg`, ready for JSON."""
        return {
            "input_size": [self.channels, self.size, self.size],
            "mean": list(self.mean),
            "std": list(self.std),
            "crop_pct": self.crop_pct,
            "crop_mode": "center",
            "interpolation": self.interpolation,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Preprocessing:
        """The record that a `pretrained_cfg` holds; its other fields are ignored, absent ones keep their defaults.

        Raises BadInput for a value that is malformed or not supported (inputs that are not square, `crop_mode` other
        than "center").
        """
        channels, size = _square(config.get("input_size", [3, 224, 224]))
        if config.get("crop_mode", "center") != "center":
            raise must_be("crop_mode", '"center"', config["crop_mode"])
        mean, std = (_numbers(name, config.get(name), channels) for name in ("mean", "std"))
        crop_pct = config.get("crop_pct", cls.crop_pct)
        if not isinstance(crop_pct, (int, float)):
            raise must_be("crop_pct", "a number", crop_pct)
        return cls(
            size=size,
            mean=mean or (IMAGENET_MEAN if channels == 3 else (0.5,)),
            std=std or (IMAGENET_STD if channels == 3 else (0.5,)),
            crop_pct=float(crop_pct),
            interpolation=config.get("interpolation", cls.interpolation),
        )


def prepare(image: Image.Image, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """A network's input for one photograph: float32 (C, H, W)."""
    return normalise(crop(image, preprocessing), preprocessing)


def crop(image: Image.Image, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """The square of a photograph that a network sees, not yet normalised: uint8 (C, H, W).

    The pixels of torchvision's `Resize` and `CenterCrop` on a Pillow image, but for one thing: where an odd number of
    pixels is cut away, the odd one always goes on the right or below.
    """
    image = image.convert("L" if preprocessing.channels == 1 else "RGB")
    size = preprocessing.size
    # Rounded down as in timm's evaluation, and the longer side as in torchvision.
    shorter = math.floor(size / preprocessing.crop_pct)
    image = _not_too_long(image)
    width, height = image.size
    resized = (max(shorter, int(shorter * width / height)), max(shorter, int(shorter * height / width)))
    if resized != image.size:
        image = image.resize(resized, INTERPOLATIONS[preprocessing.interpolation])
    left, top = ((side - size) // 2 for side in resized)
    pixels = np.asarray(image.crop((left, top, left + size, top + size)))
    return np.ascontiguousarray(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))


def normalise(pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """uint8 pixels (..., C, H, W) as float32, minus mean, divided by std."""
    mean = np.asarray(preprocessing.mean, np.float32)[:, None, None]
    std = np.asarray(preprocessing.std, np.float32)[:, None, None]
    return (pixels.astype(np.float32) / np.float32(255) - mean) / std


def _not_too_long(image: Image.Image, most: int = 16) -> Image.Image:
    # The centre is all that will be kept, and a strip of 1 x 10000 pixels enlarged to 256 x 2560000 would take 2 GB.
    width, height = image.size
    long = most * min(width, height)
    if max(width, height) <= long:
        return image
    kept = (min(width, long), min(height, long))
    left, top = ((side - keep) // 2 for side, keep in zip(image.size, kept, strict=True))
    return image.crop((left, top, left + kept[0], top + kept[1]))


def _square(input_size: object) -> tuple[int, int]:
    allowed = "[channels, size, size] with 1 or 3 channels and equal sides"
    match input_size:
        case [int(channels), int(height), int(width)] if channels in (1, 3) and height == width > 0:
            return channels, height
    raise must_be("input_size", allowed, input_size)


def _numbers(name: str, value: object, count: int) -> tuple[float, ...] | None:
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or not all(isinstance(number, (int, float)) for number in value):
        raise must_be(name, f"{count} numbers", value)
    if len(value) != count:
        raise must_be(name, f"{count} numbers", value)
    return tuple(float(number) for number in value)
