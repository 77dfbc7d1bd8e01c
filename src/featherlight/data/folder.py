"""A folder of classes on disk: which image files belong to which class."""

from __future__ import annotations

import os
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
    found = [root / name for name in names if (root / name).is_dir()]
    if len(found) > 1:
        raise BadInput(f"{str(root)!r} must hold one of {' and '.join(f.name for f in found)}; got both")
    return found[0] if found else None


def list_classes(root: Path, folder: Path) -> Classes:
    """The images of each class: a class is a folder of `folder`, with all that lies in it, however deep.

    Hidden files and folders, and files without an image's suffix, are left out. Paths are relative to `root`. Sorted by
    bytes, so that the order is the same on every machine. Links are followed, each folder being listed once a class.
    """
    below = os.path.relpath(folder, root)
    prefix = "" if below == "." else below + os.sep
    classes: Classes = {}
    for entry in _visible(str(folder)):
        if entry.is_dir():
            names = _images(entry.path, prefix + entry.name)
            classes[entry.name] = sorted(names, key=os.fsencode)
    return {name: classes[name] for name in sorted(classes, key=os.fsencode)}


def _images(folder: str, prefix: str) -> Iterator[str]:
    # By hand instead of os.walk: that one follows a loop of links until the path is too long, or follows none.
    seen: set[tuple[int, int]] = set()
    waiting = [(folder, prefix)]
    while waiting:
        path, prefix = waiting.pop()
        status = os.stat(path)
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in _visible(path):
            if entry.is_dir():
                waiting.append((entry.path, prefix + os.sep + entry.name))
            elif entry.name.lower().endswith(SUFFIXES):
                # Also what is no regular file: decoding will say so, and it will be reported rather than dropped.
                yield prefix + os.sep + entry.name


def _visible(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        raise BadInput(f"{folder!r} cannot be listed: {error.strerror}") from None
