"""What long work has done so far, a line of JSON each: readable while it runs, complete up to the moment it ends."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from featherlight.errors import BadInput, DiskFull, Failure
from featherlight.files import writing

START = "start"  # the event that holds what was asked for

Key = str | int | float


class Journal:
    """An append-only file of events; each is on the disk when `append` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, event: str, **fields: Any) -> None:
        """Add one event. A line that a crash cut short before is ended first, so that it spoils no other."""
        line = json.dumps({"event": event, **fields}, allow_nan=False).encode() + b"\n"
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                if file.tell() and not _ends_a_line(file.fileno(), file.tell()):
                    line = b"\n" + line
                file.write(line)
                file.flush()
                os.fsync(file.fileno())

    def read(self) -> list[dict[str, Any]]:
        """The events so far, oldest first; none where there is no file. A line cut short by a crash is left out."""
        if not self.path.exists():
            return []
        events = []
        lines = self.path.read_bytes().splitlines()
        for number, line in enumerate(lines, start=1):
            try:
                events.append(json.loads(line))
            except ValueError:
                if number < len(lines) and not _cut_short(line):
                    raise BadInput(f"line {number} of {self.path} is not JSON: the journal was altered") from None
        return events


class Record:
    """A journal with a memory: finished pieces of work by their event and key."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._events = journal.read()

    def find(self, event: str, **key: Key) -> dict[str, Any] | None:
        """The first event of that kind with these fields, None where there is none."""
        wanted = {"event": event, **key}
        return next((known for known in self._events if wanted.items() <= known.items()), None)

    def add(self, event: str, **fields: Any) -> dict[str, Any]:
        """Write an event; on the disk when this returns."""
        self.journal.append(event, **fields)
        self._events.append({"event": event, **fields})
        return self._events[-1]

    def once(self, event: str, make: Callable[[], Mapping[str, Any]], **key: Key) -> dict[str, Any]:
        """The event of that kind and key: read back where the work was finished before, else done and written."""
        return self.find(event, **key) or self.add(event, **key, **make())

    def begin(self, arguments: Mapping[str, Any]) -> None:
        """Write what is asked for, or hold it against what the journal was begun with.

        Raises BadInput where they differ, naming each difference.
        """
        begun = self.once(START, lambda: arguments)
        differences = [
            f"{name} was {begun.get(name)!r} and is {value!r}"
            for name, value in arguments.items()
            if begun.get(name) != value
        ]
        if differences:
            raise BadInput(
                f"{self.journal.path} was begun with something else: {'; '.join(differences)}; "
                "give the same again, or name another folder with --out"
            )


@contextlib.contextmanager
def keeping(folder: Path) -> Iterator[None]:
    """A job in `folder` that --resume goes on with: where a file stops it, the sentence says so.

    Raises DiskFull where there is no room, Failure where it is something else.
    """
    kept = f"what was finished is in {folder}, and --resume goes on from there"
    try:
        with writing(folder):
            yield
    except DiskFull as full:
        while isinstance(full.__cause__, DiskFull):  # of a job within this one, which cannot be gone on with by itself
            full = full.__cause__
        raise DiskFull(f"{full}; {kept}") from full
    except (OSError, SafetensorError) as error:
        where, reason = (getattr(error, name, None) for name in ("filename", "strerror"))
        raise Failure(f"{where or folder} cannot be read or written: {reason or error}; {kept}") from error


@contextlib.contextmanager
def reading(result: Path) -> Iterator[None]:
    """A block that reads what a job left in the file `result`; BadInput where that is damaged."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{result} is damaged ({type(error).__name__}: {error}); name another folder") from error


def check_folder(folder: Path, *, ended: bool, result: str, journal: str, job: str, resume: bool) -> None:
    """Raise BadInput unless a `job`, such as "search", can begin in this folder, or go on there with `resume`.

    Of one that has `ended` its `Record` then says whether the same is asked for again. `result` and `journal` are the
    names of its files.
    """
    begun = (folder / journal).exists()
    if begun and resume:
        return
    if ended:
        raise BadInput(f"{folder} holds a result already ({result}); name another folder with --out")
    if begun:
        raise BadInput(f"{folder} holds a {job} that did not end; go on with --resume, or name another folder")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} exists and is not an empty folder; name a new one with --out")


def _ends_a_line(handle: int, size: int) -> bool:
    return os.pread(handle, 1, size - 1) == b"\n"


def _cut_short(line: bytes) -> bool:
    # Every event is an object in one write: a line without its closing brace is what a crash leaves.
    return not line.rstrip().endswith(b"}")
