"""The training images of one step, chosen by seed and step alone, so that any step can be made again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from featherlight.data import Preprocessing, Split
from featherlight.errors import BadInput
from featherlight.training.augment import augment, decoded_size
from featherlight.training.recipe import Recipe


@dataclass(frozen=True)
class Batches:
    """Batches of augmented, normalised training images, by step."""

    split: Split
    recipe: Recipe
    preprocessing: Preprocessing
    seed: int

    @property
    def size(self) -> int:
        """Images in a batch: the recipe's number, or all there are."""
        return min(self.recipe.batch, len(self.split))

    @property
    def per_epoch(self) -> int:
        """Steps until every image has been seen once, rounded up."""
        return -(-len(self.split) // self.size)

    def indices(self, step: int) -> NDArray[np.int64]:
        """The images of a step: each epoch goes through all of them in an order of its own."""
        count = len(self.split)
        epoch, start = divmod(step * self.size, count)
        orders = [np.random.default_rng([self.seed, number]).permutation(count) for number in (epoch, epoch + 1)]
        return np.concatenate(orders)[start : start + self.size]

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """Images, float32 (N, C, size, size) channels-last, and labels, int64 (N,), without the broken ones."""
        indices, size = self.indices(step), self.preprocessing.size
        images = self.split.images(indices, decoded_size(self.recipe, size), draft=True)
        sound = self.split.sound(indices)
        if sound.sum() < 2:
            raise BadInput(f"the training images cannot be read; for one, {self.split.broken[0]}")
        seed = np.random.SeedSequence([self.seed, step]).generate_state(1, np.uint64).item()
        generator = Generator().manual_seed(int(seed))
        new = (step + 1) * self.size <= len(self.split)
        recipe = replace(self.recipe, pad=0, mirror=False) if new else self.recipe
        augmented = augment(torch.from_numpy(images[sound]), size, recipe, generator)
        return normalised(augmented, self.preprocessing), torch.from_numpy(self.split.labels[indices[sound]])


def normalised(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """`data.normalise` for float images (N, C, H, W) of 0 to 255, in place and in their memory layout."""
    mean, std = (torch.tensor(numbers)[:, None, None] * 255 for numbers in (preprocessing.mean, preprocessing.std))
    return images.sub_(mean).div_(std)
