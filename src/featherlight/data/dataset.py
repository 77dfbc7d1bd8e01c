"""Labelled images in three splits, from a folder of classes or a data set known by name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from featherlight.data import fashion_mnist
from featherlight.data.folder import TEST, TRAIN, VALIDATION, Classes, find_split, list_classes
from featherlight.data.hold_out import hold_out
from featherlight.data.pictures import Array, Files
from featherlight.data.split import Split
from featherlight.errors import BadInput

# Of each class, where a folder has no validation or test split of its own.
HELD_OUT = 0.15
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


def open_dataset(source: str | os.PathLike[str], seed: int = 0) -> Dataset:
    """The data set in a folder of classes, or "fashion-mnist"; no photograph is decoded yet.

    In a folder ROOT either ROOT/train, ROOT/val (or valid, validation, eval, evaluation) and ROOT/test hold one folder
    a class, or, where there is no ROOT/train, ROOT itself does. A split that is missing is held out of the training
    images: 15 % of each class, at least one image where enough are left. Which ones hangs on `seed` and the files'
    names below ROOT alone. Labels are the class folders' names, sorted by bytes.

    Raises BadInput for a source that is missing, not a folder, without images, of one class, or with a class that the
    training images lack.
    """
    name = os.fspath(source)
    if name == fashion_mnist.NAME:
        return _fashion_mnist(seed)
    if not os.path.isdir(name):
        came = f"{name!r} is a file" if os.path.exists(name) else f"there is nothing at {name!r}"
        raise BadInput(f"data must be {fashion_mnist.NAME!r} or a folder of classes; {came}")
    root = Path(name)
    train, validation, test = _list_splits(root, seed)
    labels = tuple(train)
    splits = (_split(root, classes, labels) for classes in (train, validation, test))
    return Dataset(name, seed, labels, 3, *splits)


def _list_splits(root: Path, seed: int) -> tuple[Classes, Classes, Classes]:
    home = find_split(root, TRAIN)
    given = [find_split(root, names) for names in (VALIDATION, TEST)] if home else [None, None]
    train = list_classes(root, home or root)
    if home is None:
        _check_no_splits(train, root)
    _check_train(train, home or root)
    missing = given.count(None)
    *held, train = hold_out(train, HELD_OUT, missing, seed) if missing else [train]
    splits = []
    for folder in given:
        splits.append(list_classes(root, folder) if folder else held.pop(0))
        if folder:
            _check_held_out(splits[-1], train, folder)
        elif not any(splits[-1].values()):
            raise BadInput(f"{str(root)!r} has too few images; some class must have at least {missing + 1}")
    validation, test = splits
    return train, validation, test


def _check_no_splits(classes: Classes, root: Path) -> None:
    # Without ROOT/train a folder "test" may be a class; not if all its images lie in folders of their own.
    for name in (*VALIDATION, *TEST):
        images = classes.get(name)
        if images and all(image.count(os.sep) > 1 for image in images):
            raise BadInput(f"{str(root)!r} holds {name!r} but no 'train'; it must hold both or one folder a class")


def _check_train(classes: Classes, folder: Path) -> None:
    if not any(classes.values()):
        raise BadInput(
            f"{str(folder)!r} has no images; it must hold one folder a class, with that class's images in it"
        )
    empty = [name for name, images in classes.items() if not images]
    if empty:
        raise BadInput(f"each class must have images; {str(folder)!r} has none in {', '.join(map(repr, empty))}")
    if len(classes) == 1:
        raise BadInput(f"{str(folder)!r} must hold at least two classes; got one, {next(iter(classes))!r}")


def _check_held_out(classes: Classes, train: Classes, folder: Path) -> None:
    strange = [name for name, images in classes.items() if images and name not in train]
    if strange:
        names = ", ".join(map(repr, strange))
        raise BadInput(f"each class must have training images; those in {str(folder)!r} also hold {names}")
    if not any(classes.values()):
        raise BadInput(
            f"{str(folder)!r} has no images; it must hold one folder a class, with that class's images in it"
        )


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
