"""What a fit has finished, so that it can go on after any end, a killed one too, without doing anything twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from featherlight.errors import BadInput
from featherlight.journal import Journal

START = "start"

Key = str | int | float


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
                f"{self.journal.path} is of another fit: {'; '.join(differences)}; "
                "give the same again, or name another folder with --out"
            )
