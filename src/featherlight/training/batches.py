"""The training images of one step, chosen by seed and step alone, so that any step can be made again."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

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
        rest = _order(self.seed, epoch, count)[start : start + self.size]
        return np.concatenate([rest, _order(self.seed, epoch + 1, count)[: self.size - len(rest)]])

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """Images, float32 (N, C, size, size) channels-last, without the broken ones, and targets: classes, int64 (N,),
        or shares of them, float32 (N, classes), where images are mixed.
        """
        indices, size = self.indices(step)[self.rank :: self.processes], self.preprocessing.size
        decoded = self.split.images(indices, decoded_size(self.recipe, size), draft=True)
        sound = self.split.sound(indices)
        if sound.sum() < 2:
            raise BadInput(self._too_few())
        generator = Generator().manual_seed(self.state(step))
        new = (step + 1) * self.size <= len(self.split)
        recipe = replace(self.recipe, pad=0, mirror=False) if new else self.recipe
        images = normalised(augment(torch.from_numpy(decoded[sound]), size, recipe, generator), self.preprocessing)
        targets = torch.from_numpy(self.split.labels[indices[sound]])
        if recipe.mixup or recipe.cutmix:
            return mixed(images, targets, recipe, self.classes, generator)
        return images, targets

    def state(self, step: int) -> int:
        """The seed of all that is random in a step, on this process."""
        return int(np.random.SeedSequence([self.seed, step, self.rank]).generate_state(1, np.uint64).item())

    def _too_few(self) -> str:
        if self.split.broken:
            return f"the training images cannot be read; for one, {self.split.broken[0]}"
        return f"a batch of {self.size} is too small for {self.processes} processes: each needs two images"


@functools.lru_cache(maxsize=2)
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """The images of an epoch, one after the other."""
    return np.random.default_rng([seed, epoch]).permutation(count)


@dataclass
class Stream:
    """The batches of consecutive steps, each made in another thread while the step before it is taken.

    waited  seconds for which training stood still until images were there
    """

    batches: Batches
    waited: float = 0.0

    def __call__(self, first: int, steps: int) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Step, images and targets of the steps from `first` to before `steps`."""
        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(self.batches, first)
            for step in range(first, steps):
                start = time.perf_counter()
                images, targets = coming.result()
                self.waited += time.perf_counter() - start
                if step + 1 < steps:
                    coming = pool.submit(self.batches, step + 1)
                yield step, images, targets


def normalised(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """`data.normalise` for float images (N, C, H, W) of 0 to 255, in place and in their memory layout."""
    mean, std = (torch.tensor(numbers)[:, None, None] * 255 for numbers in (preprocessing.mean, preprocessing.std))
    return images.sub_(mean).div_(std)
