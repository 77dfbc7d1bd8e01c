"""A classifier from a folder, a name, or the hub."""

from __future__ import annotations

import os
from pathlib import Path

from featherlight.data import Preprocessing
from featherlight.errors import BadInput
from featherlight.predict.classifier import Classifier
from featherlight.pretrained import LOCAL, Progress, load_published


def load(
    source: str | os.PathLike[str], *, cache_dir: str | Path | None = None, progress: Progress | None = None
) -> Classifier:
    """The classifier in a folder that `fit` or `save` wrote, or one that is known by name, with its weights.

    ``load("result/")``, ``load("mobilenet_v2")``, ``load("timm:mobilenetv2_050.lamb_in1k")``,
    ``load("hf-hub:org/repo@revision")``. A folder comes before a name; `progress` is told of bytes that are downloaded.
    Raises BadInput, one sentence, where there is no such thing or it is broken, Failure where it cannot be downloaded.
    """
    name = os.fspath(source)
    if os.path.isdir(name):
        name = LOCAL + name
    elif not isinstance(source, str) or os.sep in name.partition(":")[0]:  # as in no name's zoo
        raise BadInput(f"there is no folder {name!r}")
    model, published = load_published(name, cache_dir, progress)
    try:
        preprocessing = Preprocessing.from_config(published.preprocessing)
    except BadInput as error:
        raise BadInput(f"{name}: pretrained_cfg.{error}") from error
    if preprocessing.channels != model.in_chans:
        channels = f"{model.in_chans} channel{'s' if model.in_chans > 1 else ''}"
        raise BadInput(f"{name}: pretrained_cfg.input_size must have the network's {channels}")
    return Classifier(model.eval(), published.label_names, preprocessing)
