"""The registered networks: a name, where it comes from, and the function that gives its Spec."""

from __future__ import annotations

import difflib
import fnmatch
import inspect
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from featherlight.errors import BadInput, unknown
from featherlight.spec import Spec


@dataclass(frozen=True)
class Entry:
    """A network that can be asked for by name.

    accuracy  top-1 on ImageNet at width 1.0 as the paper prints it, or as the authors' repository does
    spec      builds its Spec; the keyword arguments are what the paper varies, `width` among them where it has one
    widths    the multipliers the paper or the public weights know, thinnest first; (1.0,) where there are none
    size      the side in pixels of the images it was published for
    baseline  a network that the light-weight ones set out to beat
    variant   a network that is there to be compared with another one; nobody would choose it
    others    the paper's top-1 at other widths and sizes
    stand_in  `accuracy` is that of the plain network, since the paper prints none of this one
    """

    name: str
    family: str
    paper: str
    accuracy: float
    spec: Callable[..., Spec]
    widths: tuple[float, ...] = (1.0,)
    size: int = 224
    baseline: bool = False
    variant: bool = False
    others: Mapping[tuple[float, int], float] = field(default_factory=dict)
    stand_in: bool = False

    def published_accuracy(self, width: float, size: int) -> float | None:
        """Top-1 on ImageNet at this width and size of images as it was published; None where none was."""
        if self.stand_in:
            return None
        return self.accuracy if (width, size) == (1.0, self.size) else self.others.get((width, size))

    @property
    def arguments(self) -> tuple[str, ...]:
        """What `build` can be told: whatever the paper varies."""
        return tuple(inspect.signature(self.spec).parameters)

    def build(self, **arguments: Any) -> Spec:
        """The Spec under `arguments`; raises BadInput for an argument that this network does not have."""
        known = self.arguments
        if strange := sorted(set(arguments) - set(known)):
            raise BadInput(f"{self.name} has no argument {', '.join(strange)} (it has: {', '.join(known) or 'none'})")
        return self.spec(**arguments)


@dataclass(frozen=True)
class Counts:
    """Parameters and multiply-adds of a registered network at its published size and 1000 classes."""

    parameters: int
    multiply_adds: int


FILES = (".onnx", ".flight")  # how no name ends

_ENTRIES: dict[str, Entry] = {}


def register(*entries: Entry) -> None:
    """Add networks to the registry; a name that is taken raises BadInput."""
    for new in entries:
        if new.name in _ENTRIES:
            raise BadInput(f"network {new.name!r} is registered already")
        _ENTRIES[new.name] = new


def entry(name: str) -> Entry:
    """The registered network of that name; raises BadInput with the nearest names where there is none."""
    if name not in _ENTRIES:
        raise unknown("model", name, _ENTRIES)
    return _ENTRIES[name]


def list_models(pattern: str = "*") -> list[str]:
    """The registered names that match a wildcard pattern, sorted as people count (x2 before x10)."""
    return sorted(fnmatch.filter(_ENTRIES, pattern), key=_natural)


def no_network(name: str, known: Sequence[str]) -> BadInput:
    """The error for a word that is none of the names that are `known`, with the nearest ones where any is near."""
    if os.path.isdir(name):
        return BadInput(f"{name!r} is a folder here: the network that is saved in it is called local-dir:{name}")
    if os.path.isfile(name):
        return BadInput(f"{name!r} is a file here: give the name of a network, or of a folder that one is saved in")
    if name.endswith(FILES):
        return BadInput(f"there is no file {name!r}")
    near = difflib.get_close_matches(name.replace("*", ""), known)
    nearest = f" (nearest: {', '.join(near)})" if near else ""
    return BadInput(
        f"{name!r} matches no network{nearest} and is no folder or file here; `featherlight models` lists the names"
    )


def counts(name: str) -> Counts:
    """Counts of a registered network, from the generated file counts.json: no tracing, no torch."""
    document = json.loads(resources.files("featherlight.models").joinpath("counts.json").read_text())
    return Counts(**document[entry(name).name])


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]
