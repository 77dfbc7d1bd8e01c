"""`featherlight.load`: whatever names what photographs show."""

from __future__ import annotations

import os
from pathlib import Path
from typing import overload

from featherlight.errors import BadInput
from featherlight.predict.classifier import Classifier
from featherlight.predict.compiled_classifier import FLIGHT_SUFFIX, CompiledClassifier, load_compiled
from featherlight.predict.load_classifier import load as load_classifier
from featherlight.predict.subject import ONNX_SUFFIX
from featherlight.pretrained import Progress


@overload
def load(
    source: str | os.PathLike[str], *, cache_dir: str | Path | None = None, progress: Progress | None = None
) -> Classifier: ...
@overload
def load(source: str | os.PathLike[str], *, threads: int) -> CompiledClassifier: ...
def load(
    source: str | os.PathLike[str],
    *,
    cache_dir: str | Path | None = None,
    progress: Progress | None = None,
    threads: int = 1,
) -> Classifier | CompiledClassifier:
    """The classifier in a folder that `fit` or `save` wrote, in a flight file, or one that is known by name.

    ``load("result/")``, ``load("net.flight", threads=2)``, ``load("mobilenet_v2")``,
    ``load("timm:mobilenetv2_050.lamb_in1k")``, ``load("hf-hub:org/repo@revision")``. A folder or file comes before a
    name; `progress` is told of bytes that are downloaded. `threads` are those of a flight file, which gives a
    CompiledClassifier: it has the same `predict`, and no module.

    Raises BadInput, one sentence, where there is no such thing or it is broken, Failure where it cannot be downloaded.
    """
    name = os.fspath(source)
    if name.endswith((FLIGHT_SUFFIX, ONNX_SUFFIX)) and not os.path.exists(name):
        raise BadInput(f"there is no file {name!r}")
    if name.endswith(ONNX_SUFFIX) and os.path.isfile(name):
        raise BadInput(
            f"{name} is an ONNX file, which evaluate takes and classify does not: make a flight file of it by "
            f"`featherlight compile {name} --out {Path(name).with_suffix(FLIGHT_SUFFIX)}`"
        )
    if name.endswith(FLIGHT_SUFFIX) or os.path.isfile(name):
        return load_compiled(name, threads)
    return load_classifier(source, cache_dir=cache_dir, progress=progress)
