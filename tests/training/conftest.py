from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from featherlight.data import Dataset, Split
from featherlight.data.pictures import Array


def small_network(classes: int = 3, channels: int = 1) -> nn.Module:
    """A network of a few hundred parameters, the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(channels, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(16, classes),
        )


def textures(count: int, seed: int) -> Split:
    """Grey 12x12 images of three classes: upright stripes, level stripes, and a chequered board, in noise."""
    random = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % 3
    rows, columns = np.mgrid[:12, :12] // 2 % 2
    patterns = np.stack([columns, rows, rows ^ columns]) * 120
    pixels = patterns[labels] + random.integers(0, 120, (count, 12, 12))
    return Split(Array("texture", pixels.astype(np.uint8)), labels, channels=1)


@pytest.fixture
def dataset() -> Dataset:
    return Dataset("textures", 0, ("upright", "level", "board"), 1, textures(96, 0), textures(30, 1), textures(30, 2))


@pytest.fixture
def network() -> nn.Module:
    return small_network()
