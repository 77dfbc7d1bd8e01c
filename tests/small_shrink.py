"""What a shrink needs, small: photographs of two colours, a network that knows nothing yet, a made-up latency table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from featherlight.graph import from_spec
from featherlight.layers import Network
from featherlight.pretrained import save
from featherlight.spec import Convolution, InvertedResidual, Spec, widen
from latency_tables import made_up, write

SPEC = Spec((Convolution(16, 3, 2), InvertedResidual(16, 32), InvertedResidual(16, 24)))


def photographs(root: Path) -> Path:
    """A folder of two classes, twenty of each."""
    random = np.random.default_rng(0)
    for label, colour in (("blue", (40, 40, 200)), ("red", (200, 40, 40))):
        (root / label).mkdir(parents=True)
        for number in range(20):
            pixels = np.clip(np.array(colour) + random.normal(0, 30, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / label / f"{number}.png")
    return root


def network(folder: Path) -> Path:
    """A folder with a network of `SPEC` for these classes."""
    torch.manual_seed(0)
    preprocessing = {"input_size": [3, 32, 32], "mean": [0.5] * 3, "std": [0.25] * 3, "crop_pct": 1.0}
    save(folder, Network(SPEC, 2), label_names=["blue", "red"],
         preprocessing=preprocessing | {"interpolation": "bilinear"})  # fmt: skip
    return folder


def table(path: Path) -> Path:
    """A latency table of networks of these rows."""
    graphs = {f"{width}x": from_spec(widen(SPEC, width), (1, 3, 32, 32), 2) for width in (0.5, *range(1, 10))}
    return write(path, made_up(graphs, sizes=[32]))
