"""Training, validation and test images out of the splits that a source has: checked, and completed by a stated seed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from featherlight.data.folder import TEST, TRAIN, VALIDATION, Classes, find_split, list_classes
from featherlight.data.hold_out import hold_out
from featherlight.data.metadata import read_metadata
from featherlight.errors import BadInput

# Of each class, where a source has no validation or test split of its own.
HELD_OUT = 0.15

_SHOWN = 10  # names in an error


@dataclass(frozen=True)
class Given:
    """A split as its source has it: what to call it in an error, and the images of each class."""

    place: str
    classes: Classes


def split_folder(root: Path, seed: int) -> tuple[Classes, Classes, Classes]:
    """Training, validation and test images of a folder, found as `open_dataset` says; paths are relative to `root`."""
    home = find_split(root, TRAIN)
    train = _list(root, home or root)
    if home is None:
        _check_no_splits(train.classes, root)
    folders = [find_split(root, names) for names in (VALIDATION, TEST)] if home else [None, None]
    return three_splits(train, [None if folder is None else _list(root, folder) for folder in folders], seed)


def three_splits(train: Given, held_out: Sequence[Given | None], seed: int) -> tuple[Classes, Classes, Classes]:
    """Training, validation and test images by class; what `held_out` lacks is taken out of the training images.

    Raises BadInput where a class has no training images, where there is only one, or too few images to hold out.
    """
    _check_train(train)
    missing = held_out.count(None)
    *held, rest = hold_out(train.classes, HELD_OUT, missing, seed) if missing else [train.classes]
    for given in held_out:
        if given is not None:
            _check_held_out(given, train.classes)
    if not all(any(classes.values()) for classes in held):
        raise BadInput(f"{train.place} has too few images; some class must have at least {missing + 1}")
    validation, test = (held.pop(0) if given is None else given.classes for given in held_out)
    return rest, validation, test


def _list(root: Path, folder: Path) -> Given:
    classes = read_metadata(root, folder)
    if classes is None:
        classes = list_classes(root, folder)
    if not any(classes.values()):
        raise BadInput(
            f"{str(folder)!r} has no images; it must hold one folder a class, with that class's images in it"
        )
    return Given(repr(str(folder)), classes)


def _check_no_splits(classes: Classes, root: Path) -> None:
    # Without ROOT/train a folder "test" may be a class; not if all its images lie in folders of their own.
    for name in (*VALIDATION, *TEST):
        images = classes.get(name)
        if images and all(image.count(os.sep) > 1 for image in images):
            raise BadInput(f"{str(root)!r} holds {name!r} but no 'train'; it must hold both or one folder a class")


def _check_train(train: Given) -> None:
    empty = [name for name, images in train.classes.items() if not images]
    if empty:
        raise BadInput(f"each class must have images; {train.place} has none in {_names(empty)}")
    if len(train.classes) == 1:
        raise BadInput(f"{train.place} must hold at least two classes; got one, {next(iter(train.classes))!r}")


def _check_held_out(split: Given, train: Classes) -> None:
    strange = [name for name, images in split.classes.items() if images and name not in train]
    if strange:
        raise BadInput(f"each class must have training images; those in {split.place} also hold {_names(strange)}")


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more
