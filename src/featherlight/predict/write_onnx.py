"""A trained network as an ONNX file, written only if it agrees with the original on images."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from featherlight import graph
from featherlight.engines import ModuleSource
from featherlight.errors import BadInput
from featherlight.files import check_no_folder, replacing
from featherlight.predict.agreement import Agreement, check_export
from featherlight.predict.classifier import Classifier
from featherlight.predict.compiled_classifier import FLIGHT_SUFFIX
from featherlight.predict.load_classifier import load
from featherlight.predict.sample import Sample, sample


@dataclass(frozen=True)
class Exported:
    """An ONNX file that was written, and the check that it passed.

    images  what it was checked on; ``real`` is False where no photograph was at hand and made-up pictures had to do
    """

    path: str
    bytes: int
    images: str
    real: bool
    agreement: Agreement


def export(
    source: str | os.PathLike[str] | Classifier,
    out: str | os.PathLike[str],
    images: str | os.PathLike[str] | NDArray[np.float32] | None = None,
    *,
    tolerance: float | None = None,
) -> Exported:
    """Write the network of `source` (a folder, a name, a classifier) to `out` as ONNX, for any number of images.

    The file's metadata holds `preprocessing`, `label_names` and `architecture`, each as JSON. It is checked with ONNX
    Runtime before it takes its place: on `images`, a folder of photographs or an array of prepared ones (N, C, H, W);
    else on the data that the network was trained on, if the folder says which and they are here.

    Raises BadInput where `out` is a folder and where `source` is a flight file; Failure, leaving `out` as it was, where
    the two disagree.
    """
    path = Path(out)
    check_no_folder(path, "out")
    if not isinstance(source, Classifier) and os.fspath(source).endswith(FLIGHT_SUFFIX):
        raise BadInput(
            f"{source} is compiled, and machine code cannot be turned back into a network: export the folder, or the "
            "name, that it was compiled from"
        )
    classifier = source if isinstance(source, Classifier) else load(source)
    if isinstance(images, np.ndarray):
        chosen = Sample(images, "the images given", real=True)
    else:
        chosen = sample(classifier, None if isinstance(source, Classifier) else Path(source), images)
    with replacing(path) as temporary:
        temporary.write_bytes(_onnx(classifier))
        agreement = check_export(classifier.model, temporary, chosen.images, tolerance=tolerance)
    return Exported(str(path), path.stat().st_size, chosen.origin, chosen.real, agreement)


def _onnx(classifier: Classifier) -> bytes:
    preprocessing = classifier.preprocessing
    shape = (classifier.model.in_chans, preprocessing.size, preprocessing.size)
    metadata = {
        "preprocessing": json.dumps(preprocessing.to_config()),
        "label_names": json.dumps(classifier.label_names),
        "architecture": json.dumps(classifier.model.architecture),
    }
    made = ModuleSource(classifier.model, shape).graph
    model = graph.to_onnx(made, metadata=metadata, dynamic_batch=True)
    serialised: bytes = model.SerializeToString()
    return serialised
