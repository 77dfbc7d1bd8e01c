"""The public implementations compiled: twins with weights made from tensors' names, on the image of their records."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

import compiled_here
from featherlight.graph import from_torch
from featherlight.layers import Network
from featherlight.pretrained.zoos import load_state_dict, twin
from goldens import goldens, image, state_dict


class Distances(NamedTuple):
    """How far a compiled network's scores are from others', as shares of their norm."""

    torch: float  # from those of the same network in PyTorch
    public: float  # from what the public implementation answers, as far as it is recorded


def distances(name: str) -> Distances:
    """Of a public implementation's twin, by the name ``zoo:name``; its running statistics are no fresh network's."""
    golden = goldens()[name]
    with torch.device("meta"):
        model = Network(twin(name).spec, architecture=name).eval()
    load_state_dict(model.to_empty(device="cpu"), state_dict(name))
    with torch.inference_mode():
        expected = model(image())[0].double().numpy()
    (found,) = compiled_here.run(from_torch(model, (1, 3, 224, 224)), image().numpy())
    scores = found[0].astype(np.float64)
    shown = scores[: len(golden["logits"])] - golden["logits"]
    return Distances(
        float(np.linalg.norm(scores - expected) / np.linalg.norm(expected)),
        float(np.linalg.norm(shown) / golden["norm"]),
    )
