"""The networks that a comparison is between, by the words that name them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from featherlight.cost import count
from featherlight.engines import ModuleSource, OnnxSource, Source
from featherlight.errors import BadInput, must_be
from featherlight.explain.network import check_folder
from featherlight.graph import canonical
from featherlight.layers import Network
from featherlight.models import entry, list_models, no_network
from featherlight.predict import load
from featherlight.spec import small_images
from featherlight.spec.small_images import LARGEST


@dataclass(frozen=True, slots=True)
class Counts:
    """What a network costs for one image: see `featherlight.cost.count`.

    Memory access is that of the graph as an engine runs it, batch norms folded and shuffles recognised.
    """

    parameters: int
    multiply_adds: int
    activations: int
    memory_access: int


@dataclass(frozen=True, eq=False)
class Contestant:
    """A network that is compared.

    width     of a registered network that has one
    accuracy  top-1 on ImageNet as `paper` prints it for this width and size, from 0 to 1; None where it prints none
    """

    name: str
    source: Source
    width: float | None = None
    accuracy: float | None = None
    paper: str | None = None

    def count(self) -> Counts | None:
        """What it costs; None for an ONNX file with operators that no canonical kind stands for."""
        try:
            graph = self.source.graph
        except BadInput:
            return None
        cost = count(graph)
        return Counts(cost.parameters, cost.multiply_adds, cost.activations, count(canonical(graph)).memory_access)


def contestants(patterns: Sequence[str], width: float | None, size: int | None) -> list[Contestant]:
    """The networks that each pattern names: a folder, an ONNX file, or registered names with * for anything.

    No pattern is every light-weight network, without the variants that are there for comparison. Weights of registered
    networks are random: a time does not depend on them. Raises BadInput for a pattern that names nothing, and for a
    width or size that one of them does not have.
    """
    if size is not None and size < 1:
        raise must_be("size", "a whole number above 0", size)
    found: dict[str, Contestant] = {}
    for pattern in patterns:
        for each in _named(pattern, width, size):
            found.setdefault(each.name, each)
    if not patterns:
        names = (name for name in list_models() if not entry(name).baseline and not entry(name).variant)
        found = {name: _registered(name, width, size) for name in names}
    return list(found.values())


def _named(pattern: str, width: float | None, size: int | None) -> list[Contestant]:
    if not (os.path.exists(pattern) or pattern.endswith(".onnx")):
        names = list_models(pattern)
        if not names:
            raise no_network(pattern, list_models())
        return [_registered(name, width, size) for name in names]
    if width is not None:
        raise BadInput(f"width must be left out for {pattern}: only registered networks have one")
    return [_folder(pattern, size) if os.path.isdir(pattern) else _file(pattern, size)]


def _registered(name: str, width: float | None, size: int | None) -> Contestant:
    known = entry(name)
    spec = known.build() if width is None else known.build(width=width)
    side = known.size if size is None else size
    network = Network(small_images(spec) if side <= LARGEST else spec, architecture=name).eval()
    varies = len(known.widths) > 1
    accuracy = known.published_accuracy(1.0 if width is None else width, side)
    called = name if width is None else f"{name} {width:g}x"
    return Contestant(
        called,
        ModuleSource(network, (3, side, side)),
        (width or 1.0) if varies else None,
        accuracy,
        None if accuracy is None else known.paper,
    )


def _folder(path: str, size: int | None) -> Contestant:
    check_folder(path)
    classifier = load(path)
    side = classifier.preprocessing.size if size is None else size
    return Contestant(path, ModuleSource(classifier.model, (classifier.preprocessing.channels, side, side)))


def _file(path: str, size: int | None) -> Contestant:
    source = OnnxSource(Path(path), size)
    source.input_shape  # noqa: B018 - read now: a file that is none is told before anything is timed
    return Contestant(path, source)
