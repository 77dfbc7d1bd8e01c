"""What is compiled: a module, a graph, an ONNX file, a folder or a name as a graph, and what is known of it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from featherlight.data import Preprocessing
from featherlight.engines import ModuleSource, OnnxSource
from featherlight.engines.source import image_shape
from featherlight.errors import BadInput, must_be
from featherlight.graph import Graph, with_batch

if TYPE_CHECKING:
    from torch import nn

    from featherlight.predict import Classifier
    from featherlight.pretrained import Progress

Compilable: TypeAlias = "str | os.PathLike[str] | nn.Module | Classifier | Graph"


@dataclass(frozen=True, eq=False)
class Subject:
    """A graph for a batch of images; what becomes of a photograph before it, and the classes, where that is known."""

    graph: Graph
    preprocessing: Preprocessing | None = None
    label_names: tuple[str, ...] = ()


def find_subject(
    source: Compilable,
    size: int | None,
    batch: int,
    progress: Progress | None = None,
    input_shape: tuple[int, int, int] | None = None,
) -> Subject:
    """The network of a torch module, a classifier, a graph, an ONNX file, a folder or a name with its public weights.

    `size` is pixels a side, by default what the network was made for; a graph has its own, and so has an ONNX file that
    does not leave height and width open. A module may be given the whole `input_shape` instead. Raises BadInput for
    what is no network, and for another size than a file's own.
    """
    if size is not None and (not isinstance(size, int) or size < 1):
        raise must_be("size", "a whole number above 0", size)
    if input_shape is not None:
        from torch import nn

        if not isinstance(source, nn.Module):
            raise BadInput("input_shape goes with a torch module; what comes by name or from a file takes size")
    if isinstance(source, Graph):
        return Subject(_sized(with_batch(source, batch), size, "the graph"))
    if isinstance(source, str | os.PathLike):
        name = os.fspath(source)
        if name.endswith(".flight"):
            raise BadInput(f"{name} is compiled already: load it with featherlight.load")
        if name.endswith(".onnx") or os.path.isfile(name):
            return _of_onnx(OnnxSource(Path(name), size), batch)
        from featherlight.predict import load

        return _of_classifier(load(name, progress=progress), size, batch)
    from torch import nn

    from featherlight.predict import Classifier

    if isinstance(source, Classifier):
        return _of_classifier(source, size, batch)
    if not isinstance(source, nn.Module):
        raise must_be("what is compiled", "a torch module, a graph, an ONNX file, a folder or a name", source)
    return Subject(_graph(source, batch, image_shape(source, size, input_shape)))


def _of_classifier(classifier: Classifier, size: int | None, batch: int) -> Subject:
    seen = replace(classifier.preprocessing, size=size or classifier.preprocessing.size)
    graph = _graph(classifier.model, batch, (seen.channels, seen.size, seen.size))
    return Subject(graph, seen, tuple(classifier.label_names))


def _graph(module: nn.Module, batch: int, shape: tuple[int, int, int]) -> Graph:
    """The module's graph for images of `shape`; a network of ours is joined from its rows, others are traced."""
    return with_batch(ModuleSource(module, shape).graph, batch)


def _of_onnx(source: OnnxSource, batch: int) -> Subject:
    """The file's network; whatever its metadata says of photographs and classes, as `featherlight export` writes it."""
    from featherlight.graph import from_onnx

    graph = from_onnx(source.to_onnx(batch))
    try:
        config, labels = (json.loads(source.metadata[field]) for field in ("preprocessing", "label_names"))
        preprocessing = Preprocessing.from_config(cast("dict[str, Any]", config))
    except (KeyError, ValueError, AttributeError, RecursionError):  # not one of ours
        return Subject(graph)
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        return Subject(graph)
    return Subject(graph, preprocessing, tuple(labels))


def _sized(graph: Graph, size: int | None, name: str) -> Graph:
    height, width = graph.tensors[graph.inputs[0]].shape[-2:]
    if size is not None and (height, width) != (size, size):
        raise BadInput(f"{name} takes images of {height}x{width}; got size {size}")
    return graph
