"""A training run of a second, with everything that has a state, for processes that are killed in the middle of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import nn

from featherlight.data import Dataset, Preprocessing, Split
from featherlight.data.pictures import Array
from featherlight.training import Checkpoints, Recipe, train_network

GREY = Preprocessing(12, (0.5,), (0.25,), 1.0)
# An average, mixed images, random parts, gradients that are cut; the epochs end in the middle of a step.
RECIPE = Recipe(batch=20, learning_rate=0.05, pad=1, ema=0.9, mixup=0.2, erase=0.3, clip=1.0, schedule="one-cycle")
STEPS = 24


def network(classes: int = 3, channels: int = 1) -> nn.Module:
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


def data() -> Dataset:
    """96 textures to train on, 30 to validate on, 30 to test on."""
    return Dataset("textures", 0, ("upright", "level", "board"), 1, textures(96, 0), textures(30, 1), textures(30, 2))


def write_outcome(folder: Path, result: Path) -> None:
    """Train with a checkpoint after each step in `folder`, and write the weights to `result` in the end."""
    torch.set_num_threads(1)
    model = network()
    train_network(model, data(), RECIPE, GREY, steps=STEPS, threads=1, checkpoints=Checkpoints(folder, every=0))
    safetensors.torch.save_file(model.state_dict(), result)
