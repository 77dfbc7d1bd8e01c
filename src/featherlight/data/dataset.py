"""Labelled images in three splits, from a folder of classes, Hugging Face, or a data set known by name."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from featherlight.data import fashion_mnist, hugging_face
from featherlight.data.folder import Classes
from featherlight.data.hold_out import hold_out
from featherlight.data.pictures import Array, Files
from featherlight.data.repeated import find_repeated
from featherlight.data.split import Split
from featherlight.data.three_splits import split_folder
from featherlight.errors import BadInput

FASHION_MNIST_HELD_OUT = 1 / 12  # 5,000 of the 60,000 training images


@dataclass(frozen=True)
class Dataset:
    """Labelled images: `label_names` in the order of the class indices, channels (1 grey, 3 RGB) and three splits.

    `source` and `seed` say where it came from: opened with the same two it is the same data set.
    """

    source: str
    seed: int
    label_names: tuple[str, ...]
    channels: int
    train: Split
    validation: Split
    test: Split

    @property
    def broken(self) -> tuple[str, ...]:
        """A sentence for each image found broken so far, over all splits."""
        return self.train.broken + self.validation.broken + self.test.broken

    @cached_property
    def repeated(self) -> tuple[str, ...]:
        """A sentence for each validation or test image that also stands in an earlier split, to the byte.

        Found when first asked for, by reading the files whose size in bytes occurs in two splits.
        """
        return find_repeated({"train": self.train, "validation": self.validation, "test": self.test})

    @cached_property
    def digest(self) -> str:
        """Of which images, by name and size in bytes, are in which split with which label: 16 hexadecimal digits."""
        digest = hashlib.sha256(repr(self.label_names).encode())
        for split in (self.train, self.validation, self.test):
            digest.update(b"split")
            for index, (label, size) in enumerate(
                zip(split.labels.tolist(), split.pictures.sizes().tolist(), strict=True)
            ):
                digest.update(f"{label} {size} {split.name(index)}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()[:16]


def open_dataset(source: str | os.PathLike[str], seed: int = 0) -> Dataset:
    """The data set in a folder, on the Hugging Face hub, or "fashion-mnist"; no photograph is decoded yet.

    In a folder ROOT either ROOT/train, ROOT/val (or valid, validation, eval, evaluation) and ROOT/test hold the splits,
    or, where there is no ROOT/train, ROOT itself holds all images. A split holds one folder a class, or a metadata.csv
    or metadata.jsonl with a `file_name` and a `label` for each image. A split that is missing is held out of the
    training images: 15 % of each class, at least one image where enough are left. Which ones hangs on `seed` and the
    files' names below ROOT alone. Labels are the class folders' names, sorted by bytes.

    With the extra `data`, a folder may also be one that Hugging Face's `save_to_disk` wrote, or one of parquet files,
    and a source ``hf-hub:org/dataset`` or ``hf-hub:org/dataset@revision`` is downloaded; labels are in its own order.

    Raises BadInput for a source that is missing, not a folder, without images, of one class, or with a class that the
    training images lack; Failure where the hub cannot be reached.
    """
    name = os.fspath(source)
    if name == fashion_mnist.NAME:
        return _fashion_mnist(seed)
    if name.startswith(hugging_face.HUB):
        labels, *splits = hugging_face.open_hub(name, seed)
        return Dataset(name, seed, labels, 3, *splits)
    if not os.path.isdir(name):
        came = f"{name!r} is a file" if os.path.exists(name) else f"there is nothing at {name!r}"
        raise BadInput(
            f"data must be a folder of classes, {hugging_face.HUB}org/dataset or {fashion_mnist.NAME}; {came}"
        )
    root = Path(name)
    if hugging_face.is_saved(root):
        labels, *splits = hugging_face.open_saved(root, seed)
        return Dataset(name, seed, labels, 3, *splits)
    train, *held_out = split_folder(root, seed)
    labels = tuple(train)
    splits = [_split(root, classes, labels) for classes in (train, *held_out)]
    return Dataset(name, seed, labels, 3, *splits)


def _split(root: Path, classes: Classes, labels: tuple[str, ...]) -> Split:
    names = [name for images in classes.values() for name in images]
    index = {label: number for number, label in enumerate(labels)}
    indices = [index[label] for label, images in classes.items() for _ in images]
    return Split(Files(root, names), np.array(indices, np.int64), channels=3)


def _fashion_mnist(seed: int) -> Dataset:
    images, labels = fashion_mnist.read("train")
    test_images, test_labels = fashion_mnist.read("t10k")
    of_class = {str(label): [str(index) for index in np.flatnonzero(labels == label)] for label in range(10)}
    held, rest = hold_out(of_class, FASHION_MNIST_HELD_OUT, 1, seed)

    def part(classes: Classes) -> Split:
        chosen = np.sort(np.array([int(index) for names in classes.values() for index in names]))
        return _array(images[chosen], labels[chosen])

    names = fashion_mnist.LABEL_NAMES
    return Dataset(fashion_mnist.NAME, seed, names, 1, part(rest), part(held), _array(test_images, test_labels))


def _array(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Split:
    return Split(Array(fashion_mnist.NAME, images), labels, channels=1)
