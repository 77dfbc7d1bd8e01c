"""The public weights of these networks: where each file lies, how to know the right one, what it expects and reaches.

The rows are data, in catalogue.json; accuracies are those that the publisher reports. Nothing here fetches anything.
"""

from __future__ import annotations

import fnmatch
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Package:
    """A file inside an installed distribution, which is looked up and never imported."""

    package: str
    file: str
    digest: str


@dataclass(frozen=True)
class Address:
    """A file to download, or the file `member` inside the zip archive that is."""

    url: str
    digest: str
    member: str | None = None


@dataclass(frozen=True)
class Repository:
    """A file in a repository of the Hugging Face hub; `digest` is None where no public source states it."""

    repository: str
    file: str
    digest: str | None


Source: TypeAlias = Package | Address | Repository


@dataclass(frozen=True)
class Weights:
    """One set of public weights.

    network        the zoo's network that they are for, in that zoo's layout: ``timm:mobilenetv2_050``
    tag            which training of it, as in timm's names: ``lamb_in1k``
    architecture   our registered name of that network, whatever its width
    sources        where the file is, in the order in which to try; a digest is ``sha256:`` or ``sha1:`` and its digits,
                   or as many of the first ones as are public
    preprocessing  what becomes of a photograph, in the fields of timm's ``pretrained_cfg``
    top1, top5     reported accuracy in per cent, None where none is
    label_names    the name of the list of classes: see `label_names`
    tried          whether they were loaded and run by this project; the others are known from public sources alone
    """

    network: str
    tag: str
    architecture: str
    sources: tuple[Source, ...]
    license: str
    preprocessing: Mapping[str, Any]
    top1: float | None
    top5: float | None
    label_names: str
    tried: bool

    @property
    def name(self) -> str:
        """The name that `create_model` takes."""
        return f"{self.network}.{self.tag}"


@functools.cache
def catalogue() -> tuple[Weights, ...]:
    """All known weights; of those that fit the same network the preferred ones come first."""
    return tuple(_weights(row) for row in json.loads(_text("catalogue.json")))


def list_weights(pattern: str = "*") -> list[Weights]:
    """The known weights whose name, or the registered name of whose network, matches a wildcard pattern."""
    return [
        weights
        for weights in catalogue()
        if fnmatch.fnmatchcase(weights.name, pattern) or fnmatch.fnmatchcase(weights.architecture, pattern)
    ]


@functools.cache
def label_names(name: str) -> tuple[str, ...]:
    """The class names of a data set that weights were trained on, in the order of the scores: ``imagenet-1k``."""
    return tuple(json.loads(_text(f"{name.replace('-', '_')}.json")))


def _weights(row: dict[str, Any]) -> Weights:
    kinds: dict[str, type[Source]] = {"package": Package, "url": Address, "repository": Repository}
    sources = tuple(kinds[next(iter(source))](**source) for source in row.pop("sources"))
    return Weights(**row, sources=sources)


def _text(file: str) -> str:
    return resources.files("featherlight.pretrained").joinpath(file).read_text("utf-8")
