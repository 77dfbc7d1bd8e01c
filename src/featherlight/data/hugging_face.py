"""Data sets of Hugging Face, from the hub or a folder, through their own library `datasets` (the extra `data`).

No code that comes with a data set is run and nothing is unpickled: since its version 4 the library runs no scripts, and
of its readers only FORMS are used. It hands out the images' bytes; they are decoded here, with `read_photo`'s checks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from featherlight.data.folder import TEST, TRAIN, VALIDATION, Classes
from featherlight.data.metadata import LABELS, label_column
from featherlight.data.rows import Rows
from featherlight.data.split import Split
from featherlight.data.three_splits import Given, three_splits
from featherlight.errors import BadInput, Failure, FeatherlightError, must_be

HUB = "hf-hub:"

# By the library's names; "cache" is what one of the others left on this machine.
FORMS = ("parquet", "arrow", "imagefolder", "webdataset", "cache")

Opened = tuple[tuple[str, ...], Split, Split, Split]  # label names; training, validation and test images


def is_saved(folder: Path) -> bool:
    """Whether a folder is a data set as `save_to_disk` leaves it, or one of parquet files, as they lie on the hub."""
    names = ("dataset_dict.json", "state.json", "dataset_info.json")
    whole, *one = (os.path.isfile(folder / name) for name in names)
    return whole or all(one) or any(_parquet_files(folder))


def open_saved(folder: Path, seed: int) -> Opened:
    """The data set in a folder for which `is_saved` holds; splits, columns and errors are those of `open_hub`."""
    library, place = _library(), str(folder)
    try:
        if any(_parquet_files(folder)):
            tables = _built(library.load_dataset_builder("parquet", data_dir=str(folder)))
        else:
            tables = library.load_from_disk(str(folder))
    except Exception as error:  # of the library, Arrow and the file system, with no base class but this
        raise BadInput(f"{place!r} cannot be read as a Hugging Face data set: {_first_line(error)}") from error
    return _opened(library, tables, place, [str(folder)], seed)


def open_hub(name: str, seed: int) -> Opened:
    """The data set ``hf-hub:org/dataset`` or ``hf-hub:org/dataset@revision``, downloaded unless it is in the cache.

    Its splits bear the names that folders do, and missing ones are held out as from folders. The images are those of
    the one column of type Image (or `image` of several), the labels those of the one of type ClassLabel, or else of
    texts or whole numbers (or `label` of several). Where nothing in a validation or test split is labelled, it counts
    as missing.

    Raises BadInput for what is not there, not open, of another form or without such columns, naming those it has;
    Failure where the hub cannot be reached.
    """
    repository, _, revision = name.removeprefix(HUB).partition("@")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise BadInput(f"data on the hub must be named {HUB}org/dataset or {HUB}org/dataset@revision; got {name!r}")
    if os.path.exists(repository):
        raise BadInput(f"{name!r} is hidden by {repository!r} in the current folder; work from another folder")
    library = _library()
    _check_hub(library, name, repository, revision or None)
    try:
        tables = _built(library.load_dataset_builder(repository, revision=revision or None))
    except FeatherlightError:
        raise
    except (FileNotFoundError, ValueError, RuntimeError) as error:  # no images, several configurations, a script
        raise BadInput(f"{name!r} cannot be read: {_first_line(error)}") from error
    except Exception as error:  # the network, the disk; they have no base class but this
        raise Failure(f"{name!r} could not be downloaded: {_first_line(error)}") from error
    from huggingface_hub.constants import HF_HUB_CACHE

    return _opened(library, tables, name, [library.config.HF_DATASETS_CACHE, HF_HUB_CACHE], seed)


def _check_hub(library: Any, name: str, repository: str, revision: str | None) -> None:
    """Raise BadInput where the hub says that there is no such data set, Failure where it says nothing and none is here.

    Asked once: the library would ask again for half a minute.
    """
    from huggingface_hub import HfApi, errors

    try:
        HfApi().dataset_info(repository, revision=revision, timeout=10)
    except errors.GatedRepoError:
        raise BadInput(f"{name!r} is not open to everyone; ask for access on its page") from None
    except errors.RepositoryNotFoundError:
        raise BadInput(f"{name!r} does not exist on the hub, or is private") from None
    except errors.RevisionNotFoundError:
        raise BadInput(f"{repository} on the hub has no revision {revision}") from None
    except errors.HFValidationError as error:
        raise BadInput(f"{name!r} is no name on the hub: {_first_line(error)}") from None
    except Exception as error:  # the errors of its HTTP library have no base class but this
        if not Path(library.config.HF_DATASETS_CACHE, repository.replace("/", "___")).exists():
            reason = _first_line(error)
            raise Failure(
                f"the hub cannot be reached ({reason}), and {name!r} has not been downloaded before"
            ) from None


def _library() -> Any:
    try:
        import datasets
    except ImportError:
        raise BadInput(
            "data sets of Hugging Face need their library; install it with `pip install featherlight[data]`"
        ) from None
    return datasets


def _built(builder: Any) -> Any:
    if builder.name not in FORMS:
        raise BadInput(f"a data set must be in one of the forms {', '.join(FORMS[:-1])}; this one is in {builder.name}")
    builder.download_and_prepare()
    return builder.as_dataset()


@dataclass(frozen=True)
class _Part:
    """A split as the library has it: the rows of each class, as texts; the column of images; what to call it."""

    given: Given
    images: Any
    place: str


def _opened(library: Any, tables: Any, place: str, homes: Sequence[str], seed: int) -> Opened:
    if not isinstance(tables, Mapping):
        tables = {TRAIN[0]: tables}
    train, *held_out = (_read(library, tables, names, place) for names in (TRAIN, VALIDATION, TEST))
    if train is None:
        names = ", ".join(map(repr, tables))
        raise BadInput(f"{place!r} must have labelled images in a split named {TRAIN[0]!r}; its splits are {names}")
    rows = three_splits(train.given, [None if part is None else part.given for part in held_out], seed)
    labels = tuple(rows[0])
    parts = [train, *(part or train for part in held_out)]
    train_split, validation, test = (_split(part, some, labels, homes) for part, some in zip(parts, rows, strict=True))
    return labels, train_split, validation, test


def _read(library: Any, tables: Mapping[str, Any], names: Sequence[str], place: str) -> _Part | None:
    """The split that bears one of these names; None if there is none, or nothing in it is labelled."""
    found = [name for name in names if name in tables]
    if len(found) > 1:
        raise BadInput(f"{place!r} must hold one of {' and '.join(found)}; got both")
    if not found:
        return None
    place = f"{place}/{found[0]}"
    table = tables[found[0]].with_format(None)  # a saved one may bring a format, torch's for one
    image, label = _columns(library, table.features, place)
    rows = _rows_by_class(table[label][:], getattr(table.features[label], "names", None), place)
    if not any(rows.values()):
        return None
    images = table.select_columns([image]).cast_column(image, library.Image(decode=False))
    return _Part(Given(repr(place), rows), images, place)


def _columns(library: Any, features: Mapping[str, Any], place: str) -> tuple[str, str]:
    """The names of the columns with the images and with the labels."""
    images = [name for name, kind in features.items() if isinstance(kind, library.Image)]
    labels = [name for name, kind in features.items() if isinstance(kind, library.ClassLabel)]
    plain = [name for name, kind in features.items() if re.fullmatch("u?int.*|(large_)?string", _dtype(kind))]
    image = "image" if "image" in images else images[0] if len(images) == 1 else None
    label = label_column(labels) if labels else label_column(plain)
    if image is None or label is None:
        lacks = "one column of type Image" if image is None else f"one column of labels, or one named {LABELS[0]!r}"
        columns = ", ".join(f"{name!r} ({_dtype(kind) or type(kind).__name__})" for name, kind in features.items())
        raise BadInput(f"{place!r} must have {lacks}; it has {columns}")
    return image, label


def _dtype(kind: Any) -> str:
    return kind.dtype if type(kind).__name__ == "Value" else ""


def _rows_by_class(values: Sequence[str | int | None], names: Sequence[str] | None, place: str) -> Classes:
    """The rows, as texts, of each class in its order: the library's, or else that of numbers or bytes."""
    labelled = sum(value is not None and (names is None or value != -1) for value in values)  # -1: the hub's "unknown"
    if not labelled:
        return {}
    if labelled < len(values):
        missing = len(values) - labelled
        raise BadInput(f"each image must have a label; {missing:,} of the {len(values):,} in {place!r} have none")
    order = enumerate(names) if names else ((value, str(value)) for value in sorted(set(values), key=_label_order))
    names_of = dict(order)
    classes: Classes = {name: [] for name in names_of.values()}
    for row, value in enumerate(values):
        if value not in names_of:
            raise must_be(f"the label of row {row} in {place!r}", f"from 0 to {len(names_of) - 1}", value)
        classes[names_of[value]].append(str(row))
    return classes


def _label_order(value: str | int | None) -> tuple[int, bytes]:
    return (0, value.encode()) if isinstance(value, str) else (value or 0, b"")


def _split(part: _Part, classes: Classes, labels: Sequence[str], homes: Sequence[str]) -> Split:
    index = {label: number for number, label in enumerate(labels)}
    label_of_row = {int(row): index[label] for label, rows in classes.items() for row in rows}
    rows = np.array(sorted(label_of_row), np.int64)
    numbers = np.array([label_of_row[row] for row in rows.tolist()], np.int64)
    return Split(Rows(part.images, rows, part.place, homes), numbers, channels=3)


def _parquet_files(folder: Path) -> Iterator[Path]:
    yield from folder.glob("*.parquet")
    yield from folder.glob("data/*.parquet")


def _first_line(error: BaseException) -> str:
    error = error.__cause__ or error  # "an error occurred while generating the dataset" has the reason there
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
