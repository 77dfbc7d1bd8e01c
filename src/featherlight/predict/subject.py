"""What is evaluated: a folder, a name, an ONNX file or a flight file as something that runs."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featherlight import engines
from featherlight.data import Preprocessing
from featherlight.engines import ModuleSource, OnnxSource, Running, Source
from featherlight.errors import BadInput
from featherlight.predict.classifier import Classifier
from featherlight.predict.compiled_classifier import ENGINE, FLIGHT_SUFFIX, CompiledClassifier, load_compiled
from featherlight.predict.load_classifier import load
from featherlight.pretrained import Progress

ONNX_SUFFIX = ".onnx"


@dataclass(frozen=True, eq=False)
class Subject:
    """A trained network for an engine, the names of its scores, and what becomes of a photograph before it sees it.

    `engine` is the one that runs it unless another is asked for; `folder` is where it lies, None for a name.
    """

    name: str
    source: Source | CompiledClassifier
    label_names: tuple[str, ...]
    preprocessing: Preprocessing
    engine: str
    folder: Path | None

    def run(self, engine: str | None, threads: int, batch: int) -> Running:
        """It, on `engine` or its own; what is compiled runs on native alone, with the threads and batch that it has."""
        if not isinstance(self.source, CompiledClassifier):
            chosen = engines.choose(engine or self.engine, self.source, threads=threads, batch=batch)
            return chosen.build(self.source, threads=threads, batch=batch)
        if engine not in (None, engines.AUTO, self.engine):
            raise BadInput(f"{self.name} is compiled, which the engine {self.engine} alone runs; got engine {engine!r}")
        return self.source.running()


@contextlib.contextmanager
def open_subject(
    source: str | os.PathLike[str] | Classifier | CompiledClassifier,
    progress: Progress | None = None,
    threads: int = 1,
) -> Iterator[Subject]:
    """What `find_subject` finds; a flight file's network is closed when the block ends, one that was given is not."""
    subject = find_subject(source, progress, threads)
    try:
        yield subject
    finally:
        if isinstance(subject.source, CompiledClassifier) and subject.source is not source:
            subject.source.network.close()


def find_subject(
    source: str | os.PathLike[str] | Classifier | CompiledClassifier,
    progress: Progress | None = None,
    threads: int = 1,
) -> Subject:
    """The network of a classifier, a folder, a name with weights, an ONNX file with our metadata, or a flight file.

    `threads` are those of a flight file. Raises BadInput for what `load` refuses, and for an ONNX file that cannot be
    read or does not say what becomes of a photograph and what its classes are called.
    """
    if isinstance(source, Classifier):
        return _of_classifier(source, source.model.architecture or "a classifier", None)
    if isinstance(source, CompiledClassifier):
        return _of_compiled(source, "a compiled classifier", None)
    name = os.fspath(source)
    if name.endswith(FLIGHT_SUFFIX):
        return _of_compiled(load_compiled(name, threads), name, Path(name).parent)
    if name.endswith(ONNX_SUFFIX) or os.path.isfile(name):
        return _of_onnx(Path(name))
    return _of_classifier(load(source, progress=progress), name, Path(name) if os.path.isdir(name) else None)


def _of_classifier(classifier: Classifier, name: str, folder: Path | None) -> Subject:
    preprocessing = classifier.preprocessing
    source = ModuleSource(classifier.model, (preprocessing.channels, preprocessing.size, preprocessing.size))
    return Subject(name, source, classifier.label_names, preprocessing, "torch", folder)


def _of_compiled(compiled: CompiledClassifier, name: str, folder: Path | None) -> Subject:
    return Subject(name, compiled, compiled.label_names, compiled.preprocessing, ENGINE, folder)


def _of_onnx(path: Path) -> Subject:
    source = OnnxSource(path)
    metadata = source.metadata
    try:
        config, labels = (json.loads(metadata[field]) for field in ("preprocessing", "label_names"))
        preprocessing = _preprocessing(config)
    except KeyError as error:
        raise BadInput(f"the metadata of {path} must hold {error}, as `featherlight export` writes it") from None
    except (ValueError, RecursionError) as error:  # BadInput, too, is a ValueError
        raise BadInput(f"the metadata of {path} cannot be used: {error}") from error
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise BadInput(f"the metadata of {path} must hold label_names as a list of names")
    seen = (preprocessing.channels, preprocessing.size, preprocessing.size)
    if seen != source.input_shape:
        raise BadInput(f"{path} takes images of shape {source.input_shape}; its metadata says {seen}")
    return Subject(str(path), source, tuple(labels), preprocessing, "onnxruntime", path.parent)


def _preprocessing(config: Any) -> Preprocessing:
    if not isinstance(config, Mapping):
        raise BadInput(f"preprocessing must be an object; got {config!r}")
    return Preprocessing.from_config(config)
