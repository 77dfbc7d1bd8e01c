"""Images on which an exported network is checked: real ones wherever there are any."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from featherlight.data import Dataset, Preprocessing, open_dataset
from featherlight.data.folder import SUFFIXES
from featherlight.errors import BadInput, FeatherlightError
from featherlight.predict.classifier import Classifier
from featherlight.predict.origin import find_origin

COUNT = 64

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Sample:
    """Prepared images, float32 (N, C, H, W); where they come from; whether they are photographs and not made up."""

    images: NDArray[np.float32]
    origin: str
    real: bool


def sample(
    classifier: Classifier, folder: Path | None, photos: str | os.PathLike[str] | None, count: int = COUNT
) -> Sample:
    """Up to `count` images: of the file or folder `photos`, else of the data that fit.json in `folder` names.

    Where neither is given or there, they are made up: coloured clouds, the same in every run.
    """
    if photos is not None:
        return Sample(_photos(classifier, Path(photos), count), os.fspath(photos), real=True)
    if dataset := _trained_on(folder):
        images = _held_out(dataset, classifier.preprocessing, count)
        return Sample(images, f"validation images of {dataset.source}", real=True)
    return Sample(classifier.prepare(_clouds(count)), "made-up pictures", real=False)


def _photos(classifier: Classifier, place: Path, count: int) -> NDArray[np.float32]:
    if not place.exists():
        raise BadInput(f"there are no images at {str(place)!r}")
    paths = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.suffix.lower() in SUFFIXES)
    prepared, problems = [], []
    for path in _spread(paths, count):
        try:
            prepared.append(classifier.prepare([path])[0])
        except BadInput as error:
            problems.append(str(error))
    if not prepared:
        raise BadInput(problems[0] if problems else f"{str(place)!r} holds no images")
    return np.stack(prepared)


def _trained_on(folder: Path | None) -> Dataset | None:
    """The data set that the network in this folder was trained on, if the folder says and the data are here."""
    origin = find_origin(folder)
    if origin is None:
        return None
    try:
        return open_dataset(origin.data, origin.seed)
    except (OSError, FeatherlightError):
        return None


def _held_out(dataset: Dataset, preprocessing: Preprocessing, count: int) -> NDArray[np.float32]:
    indices = np.array(_spread(list(range(len(dataset.validation))), count), np.int64)
    images = dataset.validation.prepared(indices, preprocessing)
    return images[dataset.validation.sound(indices)]


def _clouds(count: int) -> list[Image.Image]:
    coarse = np.random.default_rng(0).integers(0, 256, (count, 6, 6, 3), np.uint8)
    return [Image.fromarray(pixels).resize((256, 256), Image.Resampling.BICUBIC) for pixels in coarse]


def _spread(items: list[_Item], count: int) -> list[_Item]:
    """`count` of the items, evenly spread; all where there are fewer."""
    return [items[index * len(items) // count] for index in range(count)] if len(items) > count else items
