"""Images that are told apart by their brightness, and a network that does it: what it answers can be said by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from featherlight.data import Dataset, Preprocessing, Split
from featherlight.data.pictures import Array
from featherlight.layers import Network
from featherlight.predict import Classifier

LABELS = ("dark", "dim", "bright")
SIZE = 8
CENTRES = (0.0, 0.5, 1.0)


class Brightness(nn.Module):
    """For each centre c the score -40 (brightness - c)^2, but for a term that all share: the nearest one wins."""

    architecture = None

    def __init__(self) -> None:
        super().__init__()
        centres = torch.tensor(CENTRES)
        self.fc = nn.Linear(1, 3)
        self.fc.weight = nn.Parameter(80 * centres[:, None])
        self.fc.bias = nn.Parameter(-40 * centres**2)

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.fc(images.mean([2, 3]))
        return scores


def classifier(labels: Sequence[str] = LABELS) -> Classifier:
    """The network with the names of its classes, for grey images of 8 pixels."""
    return Classifier(cast("Network", Brightness()), tuple(labels), Preprocessing(SIZE, (0.0,), (1.0,), 1.0))


def dataset(values: Sequence[int], labels: Sequence[int], label_names: Sequence[str] = LABELS) -> Dataset:
    """Grey images of these values, 0 to 255, as the test split; one image each to train and validate on."""

    def split(values: Sequence[int], labels: Sequence[int]) -> Split:
        pixels = np.array(values, np.uint8)[:, None, None] * np.ones((SIZE, SIZE), np.uint8)
        return Split(Array("grey", pixels), np.array(labels, np.int64), channels=1)

    return Dataset("greys", 0, tuple(label_names), 1, split([0], [0]), split([255], [0]), split(values, labels))


def write_photos(folder: Path, values: dict[str, list[int]]) -> Path:
    """A folder of classes; a photograph of one colour for each value, 0 to 255."""
    for label, each in values.items():
        (folder / label).mkdir(parents=True)
        for number, value in enumerate(each):
            Image.new("RGB", (10, 12), (value, value, value)).save(folder / label / f"{number}.png")
    return folder
