"""What is profiled: a module, a name, a folder or an ONNX file as something that an engine can build."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from featherlight.data import Preprocessing
from featherlight.engines import ModuleSource, OnnxSource, Source
from featherlight.engines.source import SIZE, image_shape
from featherlight.errors import BadInput, must_be
from featherlight.models import entry, list_models
from featherlight.pretrained import LOCAL, create_model
from featherlight.pretrained.create import HUB, resolve
from featherlight.pretrained.published import Published
from featherlight.pretrained.repository import CONFIG


@dataclass(frozen=True, eq=False)
class Subject:
    """A network for an engine, and what becomes of a photograph before it."""

    name: str
    source: Source
    preprocessing: Preprocessing


def find_network(
    subject: str | os.PathLike[str] | nn.Module,
    size: int | None = None,
    input_shape: tuple[int, int, int] | None = None,
) -> Subject:
    """The network of a torch module, an ONNX file, a folder, or a name of `create_model`.

    size         pixels a side; by default what the network was published or saved for. Up to 64 a network that comes by
                 name has the strides of small images.
    input_shape  channels, height and width, for modules; by default what `engines.source.image_shape` says

    Nothing is downloaded for a name: time does not depend on weights. Saved networks come with theirs. An ONNX file
    needs no metadata. Raises BadInput for what is no network, and for a size that an ONNX file does not take.
    """
    if size is not None and (not isinstance(size, int) or size < 1):
        raise must_be("size", "a whole number above 0", size)
    if isinstance(subject, nn.Module):
        return _of_module(subject, size, input_shape)
    if input_shape is not None:
        raise BadInput("input_shape goes with a torch module; what comes by name or from a file takes size")
    name = os.fspath(subject)
    if name.endswith(".onnx") or os.path.isfile(name):
        return _of_onnx(Path(name), size)
    if os.path.isdir(name):
        check_folder(name)
        return _of_name(LOCAL + name, name, size)
    return _of_name(name, name, size)


def check_folder(path: str) -> None:
    """Raise BadInput for a folder that holds no saved network."""
    if not (Path(path) / CONFIG).is_file():
        raise BadInput(
            f"{path} holds no network, for it has no {CONFIG}: name a folder that `featherlight fit`, `train` or "
            "`shrink` finished, an ONNX file, or a name that `featherlight models` lists"
        )


def _of_module(module: nn.Module, size: int | None, input_shape: tuple[int, int, int] | None) -> Subject:
    shape = image_shape(module, size, input_shape)
    name = getattr(module, "architecture", None) or type(module).__name__
    return Subject(name, ModuleSource(module, shape), _usual(shape))


def _of_onnx(path: Path, size: int | None) -> Subject:
    source = OnnxSource(path, size)
    try:
        saved = Preprocessing.from_config(json.loads(source.metadata["preprocessing"]))
    except (KeyError, ValueError, AttributeError, RecursionError):  # not one of ours, which says what it expects
        saved = _usual(source.input_shape)
    return Subject(str(path), source, saved)


def _of_name(name: str, shown: str, size: int | None) -> Subject:
    published = resolve(name)
    saved = name.startswith((LOCAL, HUB))
    module = create_model(name, saved and published.weights is not None, size=None if saved else size)
    preprocessing = _published(published)
    preprocessing = replace(preprocessing, size=size or preprocessing.size)
    shape = (module.in_chans, preprocessing.size, preprocessing.size)
    return Subject(shown, ModuleSource(module.eval(), shape), preprocessing)


def _published(published: Published) -> Preprocessing:
    if published.preprocessing:
        return Preprocessing.from_config(published.preprocessing)
    name = published.architecture
    side = entry(name).size if name in list_models() else SIZE
    return _usual((published.in_chans, side, side))


def _usual(shape: tuple[int, int, int]) -> Preprocessing:
    """What is done to a photograph where nothing says so: a square, as ImageNet's, as large as the longer side."""
    size = max(shape[1:])
    return Preprocessing(size=size) if shape[0] == 3 else Preprocessing(size=size, mean=(0.5,), std=(0.5,))
