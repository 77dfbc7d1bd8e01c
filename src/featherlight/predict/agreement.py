"""Whether an exported network says the same as the one it was made from."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from featherlight import engines
from featherlight.engines import OnnxSource
from featherlight.engines.agreement import distance
from featherlight.engines.agreement import tolerance as explained_by_rounding
from featherlight.errors import BadInput, Failure
from featherlight.layers import Network


@dataclass(frozen=True)
class Agreement:
    """How near an exported network came to its original.

    images      how many it was asked about
    same_class  for how many of them both put the same class first
    difference  the largest distance of an image's scores from the network's own in float64, as a share of their norm
    tolerance   the largest difference allowed
    """

    images: int
    same_class: int
    difference: float
    tolerance: float


def check_export(
    model: Network, path: Path, images: NDArray[np.float32], *, tolerance: float | None = None
) -> Agreement:
    """The ONNX file at `path`, run by ONNX Runtime on prepared images (N, C, H, W), against `model` run by torch.

    Raises Failure, with the figures, where any image's scores differ by more than `tolerance` times their norm, or are
    not finite. By default that is what every engine is held to when it is built. Within it
    two classes may still change places, where they are as good as equal.
    """
    if not len(images):
        raise BadInput("an export must be checked on at least one image; got none")
    expected, rounded = _by_torch(model, images, torch.float64), _by_torch(model, images, torch.float32)
    with engines.find("onnxruntime").build(OnnxSource(path), threads=1) as running:
        found = np.concatenate([running(image[None]) for image in images])
    if not (np.isfinite(expected).all() and np.isfinite(found).all()):
        raise Failure(f"{path.name} or the trained network gives scores that are not finite")
    same_class = int((found.argmax(1) == expected.argmax(1)).sum())
    allowed = explained_by_rounding(rounded, expected) if tolerance is None else tolerance
    agreement = Agreement(len(images), same_class, distance(found, expected), allowed)
    if agreement.difference > allowed:
        raise Failure(
            f"the exported network must agree with the trained one to {allowed:.0e} of the scores' norm; on "
            f"{agreement.images} images they differ by up to {agreement.difference:.1e}, and put the same class first "
            f"on {same_class}"
        )
    return agreement


def _by_torch(model: Network, images: NDArray[np.float32], dtype: torch.dtype) -> NDArray[Any]:
    twin = copy.deepcopy(model).to(dtype).eval()
    with torch.inference_mode():
        # One at a time, as the exported network runs: a batch may be summed in another order.
        scores = [twin(torch.from_numpy(image[None]).to(dtype)).numpy() for image in images]
    found: NDArray[Any] = np.concatenate(scores)
    return found
