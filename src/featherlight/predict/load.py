"""A classifier from a folder, a name, or the hub."""

from __future__ import annotations

import os
from pathlib import Path

from featherlight.data import Preprocessing
from featherlight.errors import BadInput
from featherlight.predict.classifier import Classifier
from featherlight.pretrained import LOCAL, build, resolve


def load(source: str | os.PathLike[str], *, cache_dir: str | Path | None = None) -> Classifier:
    """The classifier in a folder that `fit` or `save` wrote, or one that is known by name, with its weights.

    ``load("result/")``, ``load("mobilenet_v2")``, ``load("timm:mobilenetv2_050.lamb_in1k")``,
    ``load("hf-hub:org/repo@revision")``. Raises BadInput, one sentence, where there is no such thing or it is broken.
    """
    name = os.fspath(source)
    if Path(name).is_dir():
        name = LOCAL + name
    elif not isinstance(source, str) or (os.sep in name and ":" not in name):
        raise BadInput(f"there is no folder {name!r}")
    published = resolve(name, cache_dir)
    model = build(published, name, pretrained=True, cache_dir=cache_dir)
    try:
        preprocessing = Preprocessing.from_config(published.preprocessing)
    except BadInput as error:
        raise BadInput(f"{name}: pretrained_cfg.{error}") from error
    return Classifier(model.eval(), published.label_names, preprocessing)
