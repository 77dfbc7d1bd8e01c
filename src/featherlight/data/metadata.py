"""The classes of a folder whose images are listed in a file: Hugging Face's metadata.csv or metadata.jsonl.

Each row has a `file_name`, relative to the folder, and a column with the label.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from featherlight.data.folder import Classes, label_of, list_images, portable
from featherlight.errors import BadInput

FILES = ("metadata.csv", "metadata.jsonl")
FILE_NAME = "file_name"
LABELS = ("label", "labels", "class", "category", "cls")  # columns that hold the class, the first that is there

Row = dict[str, object]


def read_metadata(root: Path, folder: Path) -> Classes | None:
    """The images of each class as the folder's metadata file has them; None if there is no such file.

    None also where the file has no column for labels and the folder holds folders, which are the classes then. Classes
    and paths are sorted as by `list_classes`. Raises BadInput for a file that cannot be read, a row without
    name or label, a name that stands twice or leads out of the folder, and for images that the file leaves out.
    """
    file = next((folder / name for name in FILES if os.path.isfile(folder / name)), None)
    if file is None:
        return None
    rows = _read_csv(file) if file.suffix == ".csv" else _read_jsonl(file)
    place = str(file)
    label_of_file: dict[str, str] = {}
    column = None
    for number, row in rows:
        if column is None:
            column = _find_columns(place, list(row))
            if column is None:
                if any(os.path.isdir(path) for path in folder.iterdir()):
                    return None
                raise BadInput(f"{place!r} must have a column named {' or '.join(LABELS)}; it has {_list(row)}")
        name = _below(row.get(FILE_NAME), f"{place!r}, line {number}")
        if name in label_of_file:
            raise BadInput(f"{place!r}, line {number}: {name!r} must stand once; it stands twice")
        label_of_file[name] = _label(row.get(column), f"{place!r}, line {number}")
    return _by_class(root, folder, place, label_of_file)


def label_column(columns: Sequence[str]) -> str | None:
    """The column that holds the label: one of the usual names, else the only one there is."""
    usual = next((name for name in LABELS if name in columns), None)
    return usual or (columns[0] if len(columns) == 1 else None)


def _find_columns(place: str, columns: list[str]) -> str | None:
    if FILE_NAME not in columns:
        raise BadInput(f"{place!r} must have a column {FILE_NAME!r}; it has {_list(columns)}")
    return label_column([name for name in columns if name != FILE_NAME])


def _by_class(root: Path, folder: Path, place: str, label_of_file: dict[str, str]) -> Classes:
    left_out = sorted(set(list_images(folder, folder)).difference(label_of_file), key=portable)
    if left_out:
        raise BadInput(f"{place!r} must list each image of its folder; it lacks {len(left_out):,}, as {left_out[0]!r}")
    below = os.path.relpath(folder, root)
    classes: Classes = {}
    for name in sorted(label_of_file, key=portable):
        classes.setdefault(label_of_file[name], []).append(name if below == "." else os.path.join(below, name))
    return {label: classes[label] for label in sorted(classes, key=os.fsencode)}


def _read_csv(file: Path) -> Iterator[tuple[int, Row]]:
    try:
        with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            reader = csv.DictReader(lines)
            for row in reader:
                yield reader.line_num, dict(row)
    except (OSError, csv.Error) as error:
        raise BadInput(f"{str(file)!r} is broken: {error}") from error


def _read_jsonl(file: Path) -> Iterator[tuple[int, Row]]:
    try:
        with file.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise ValueError(f"line {number} is no JSON object")
                    yield number, row
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{str(file)!r} is broken: {error}") from error


def _below(name: object, place: str) -> str:
    if not isinstance(name, str) or not name or "\0" in name:
        raise BadInput(f"{place}: {FILE_NAME} must name a file; got {name!r}")
    path = os.path.normpath(name.replace("/", os.sep))
    if os.path.isabs(path) or path.split(os.sep)[0] == os.pardir:
        raise BadInput(f"{place}: {FILE_NAME} must lie in the folder; got {name!r}")
    return path


def _label(value: object, place: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise BadInput(f"{place}: the label must be a text or a whole number; got {value!r}")
    return label_of(str(value))


def _list(columns: Sequence[str] | Row) -> str:
    return ", ".join(map(repr, columns))
