"""The training images of one step, chosen by seed and step alone, so that any step can be made again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from featherlight.data import Preprocessing, Split
from featherlight.errors import BadInput
from featherlight.training.augment import augment, decoded_size
from featherlight.training.mix import mixed
from featherlight.training.recipe import Recipe


@dataclass(frozen=True)
class Decoded:
    """Images of a step as they were read, uint8 (N, C, S, S), without the broken ones, and their labels."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Batches:
    """Batches of augmented, normalised training images, by step; process `rank` of `processes` makes its share."""

    split: Split
    recipe: Recipe
    preprocessing: Preprocessing
    seed: int
    classes: int
    rank: int = 0
    processes: int = 1

    @property
    def size(self) -> int:
        """Images in a batch, over all processes: the recipe's number, or all there are."""
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

    def decode(self, step: int) -> Decoded:
        """The images of a step that fall to this process, read; the part that can be done ahead, in another thread."""
        indices = self.indices(step)[self.rank :: self.processes]
        images = self.split.images(indices, decoded_size(self.recipe, self.preprocessing.size), draft=True)
        sound = self.split.sound(indices)
        if sound.sum() < 2:
            why = f"; for one, {self.split.broken[0]}" if self.split.broken else ""
            raise BadInput(f"the training images cannot be read{why}" if why else "a step needs two images a process")
        return Decoded(images[sound], self.split.labels[indices[sound]])

    def augment(self, step: int, decoded: Decoded) -> tuple[Tensor, Tensor]:
        """Images, float32 (N, C, size, size) channels-last, and targets: classes, int64 (N,), or shares of them,
        float32 (N, classes), where images are mixed.
        """
        generator = Generator().manual_seed(self.state(step))
        new = (step + 1) * self.size <= len(self.split)
        recipe = replace(self.recipe, pad=0, mirror=False) if new else self.recipe
        images = augment(torch.from_numpy(decoded.images), self.preprocessing.size, recipe, generator)
        targets = torch.from_numpy(decoded.labels)
        images = normalised(images, self.preprocessing)
        if recipe.mixup or recipe.cutmix:
            return mixed(images, targets, recipe, self.classes, generator)
        return images, targets

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """What `augment` gives of what `decode` gives."""
        return self.augment(step, self.decode(step))

    def state(self, step: int) -> int:
        """The seed of all that is random in a step, on this process."""
        return int(np.random.SeedSequence([self.seed, step, self.rank]).generate_state(1, np.uint64).item())


@dataclass
class Stream:
    """The batches of consecutive steps, each decoded in another thread while the step before it is taken.

    waited     seconds for which training stood still until images were decoded
    augmented  seconds of augmentation
    """

    batches: Batches
    waited: float = 0.0
    augmented: float = 0.0
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def __call__(self, first: int, steps: int) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Step, images and targets of the steps from `first` to before `steps`."""
        # Where images stay in memory there is nothing to decode after the first epoch: the thread costs nothing.
        with self._pool:
            coming = self._pool.submit(self.batches.decode, first)
            for step in range(first, steps):
                start = time.perf_counter()
                decoded = coming.result()
                if step + 1 < steps:
                    coming = self._pool.submit(self.batches.decode, step + 1)
                here = time.perf_counter()
                images, targets = self.batches.augment(step, decoded)
                self.waited += here - start
                self.augmented += time.perf_counter() - here
                yield step, images, targets


def normalised(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """`data.normalise` for float images (N, C, H, W) of 0 to 255, in place and in their memory layout."""
    mean, std = (torch.tensor(numbers)[:, None, None] * 255 for numbers in (preprocessing.mean, preprocessing.std))
    return images.sub_(mean).div_(std)
