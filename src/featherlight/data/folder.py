"""A folder of classes on disk: which image files belong to which class."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from featherlight.errors import BadInput

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff")

# The names under which timm, Ultralytics and Hugging Face keep their splits.
TRAIN = ("train", "training")
VALIDATION = ("val", "valid", "validation", "eval", "evaluation")
TEST = ("test", "testing")

Classes = dict[str, list[str]]  # class name -> its images' paths below the root, both sorted by bytes


def find_split(root: Path, names: tuple[str, ...]) -> Path | None:
    """The one folder of `root` that bears one of these names; None if there is none, BadInput if there are several."""
    found = [root / name for name in names if os.path.isdir(root / name)]
    if len(found) > 1:
        raise BadInput(f"{str(root)!r} must hold one of {' and '.join(f.name for f in found)}; got both")
    return found[0] if found else None


def list_classes(root: Path, folder: Path) -> Classes:
    """The images of each class: a class is a folder of `folder`, with all that lies in it, however deep.

    Hidden files and folders, and files without an image's suffix, are left out. Paths are relative to `root`. Sorted by
    bytes, so that the order is the same on every machine. Links are followed, also out of the root, each folder being
    listed once a class.
    """
    prefix = _prefix(root, folder)
    classes: Classes = {}
    for entry in _visible(str(folder)):
        if _is_folder(entry):
            # Two folders may bear one name that is written in two ways.
            classes.setdefault(label_of(entry.name), []).extend(_images(entry.path, prefix + entry.name + os.sep))
    for names in classes.values():
        names.sort(key=_order)
    return {label: classes[label] for label in sorted(classes, key=os.fsencode)}


def list_images(root: Path, folder: Path) -> Iterator[str]:
    """All that looks like an image in `folder`, however deep, in no order: paths relative to `root`."""
    return _images(str(folder), _prefix(root, folder))


def label_of(name: str) -> str:
    """The class that a folder's name stands for: the same text on every machine, and one that can be printed.

    In Unicode's composed form (macOS may keep "é" as two characters), bytes that are no UTF-8 written out as escapes.
    """
    return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "backslashreplace"))


def portable(name: str) -> bytes:
    """A path as bytes that are the same on every machine, whatever its separator and form of Unicode."""
    return os.fsencode(unicodedata.normalize("NFC", name.replace(os.sep, "/")))


def _order(name: str) -> tuple[bytes, str]:
    return portable(name), name  # two names may differ in their form alone


def _prefix(root: Path, folder: Path) -> str:
    below = os.path.relpath(folder, root)
    return "" if below == "." else below + os.sep


def _images(folder: str, prefix: str) -> Iterator[str]:
    # By hand instead of os.walk: that one follows a loop of links until the path is too long, or follows none.
    seen: set[tuple[int, int]] = set()
    waiting = [(folder, prefix)]
    while waiting:
        path, prefix = waiting.pop()
        try:
            status = os.stat(path)
        except OSError as error:
            raise _cannot_be_listed(path, error) from None
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in _visible(path):
            if _is_folder(entry):
                waiting.append((entry.path, prefix + entry.name + os.sep))
            elif entry.name.lower().endswith(SUFFIXES):
                # Also what is no regular file: decoding will say so, and it will be reported rather than dropped.
                yield prefix + entry.name


def _visible(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        raise _cannot_be_listed(folder, error) from None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or into a folder that may not be entered
        return False


def _cannot_be_listed(folder: str, error: OSError) -> BadInput:
    return BadInput(f"{folder!r} cannot be listed: {error.strerror}")
