from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from featherlight.data import Dataset, Preprocessing, Split, normalise
from featherlight.data.pictures import Array, Files
from featherlight.errors import BadInput
from featherlight.training import Recipe
from featherlight.training.batches import Batches


def of_count(count: int, batch: int, seed: int) -> Batches:
    split = Split(Array("black", np.zeros((count, 4, 4), np.uint8)), np.zeros(count, np.int64), channels=1)
    return Batches(split, Recipe(batch=batch), Preprocessing(4, (0.5,), (0.5,)), seed, classes=1)


@given(st.integers(2, 50), st.integers(2, 60), st.integers(0, 5))
def test_each_epoch_sees_every_image_once(count: int, batch: int, seed: int) -> None:
    batches = of_count(count, batch, seed)
    stream = np.concatenate([batches.indices(step) for step in range(3 * batches.per_epoch)])
    assert all(len(batches.indices(step)) == min(count, batch) for step in range(3))
    for epoch in range(3):
        assert sorted(stream[epoch * count : (epoch + 1) * count]) == list(range(count))


def test_the_order_hangs_on_the_seed_and_changes_each_epoch() -> None:
    first, again, other = (of_count(40, 40, seed) for seed in (0, 0, 1))
    assert np.array_equal(first.indices(3), again.indices(3))
    assert not np.array_equal(first.indices(0), first.indices(1))
    assert not np.array_equal(first.indices(0), other.indices(0))


def test_a_step_gives_the_same_batch_whatever_came_before(dataset: Dataset) -> None:
    batches = Batches(dataset.train, Recipe(batch=16), Preprocessing(12, (0.5,), (0.5,)), seed=3, classes=6)
    images, labels = batches(7)
    for step in range(7):
        assert not torch.equal(batches(step)[0], images)
    assert torch.equal(batches(7)[0], images)
    assert torch.equal(batches(7)[1], labels)
    assert images.is_contiguous(memory_format=torch.channels_last)


def test_without_augmentation_images_are_normalised_as_for_inference(dataset: Dataset) -> None:
    preprocessing = Preprocessing(12, (0.3,), (0.2,), 1.0)
    batches = Batches(dataset.train, Recipe(batch=16, pad=0, mirror=False), preprocessing, seed=0, classes=6)
    images, labels = batches(0)
    indices = batches.indices(0)
    assert np.allclose(images.numpy(), normalise(dataset.train.images(indices, 12), preprocessing), atol=1e-5)
    assert np.array_equal(labels.numpy(), dataset.train.labels[indices])


def test_images_are_moved_and_mirrored_only_once_they_come_back(dataset: Dataset) -> None:
    batches = Batches(dataset.train, Recipe(batch=40, pad=2), Preprocessing(12, (0.0,), (1.0,)), seed=0, classes=6)
    as_they_are = [
        np.array_equal(np.rint(images.numpy() * 255), dataset.train.images(batches.indices(step), 12))
        for step, images in ((step, batches(step)[0]) for step in range(5))
    ]
    assert as_they_are == [True, True, False, False, False]  # of 96 images, the third batch takes 24 again


def test_broken_photos_are_left_out_of_their_batch(tmp_path: Path) -> None:
    for number in range(6):
        Image.new("RGB", (20, 20), (40 * number, 0, 0)).save(tmp_path / f"{number}.png")
    (tmp_path / "2.png").write_text("broken")
    split = Split(Files(tmp_path, [f"{number}.png" for number in range(6)]), np.arange(6), channels=3)
    images, labels = Batches(split, Recipe(), Preprocessing(8), seed=0, classes=6)(0)
    assert sorted(labels.tolist()) == [0, 1, 3, 4, 5]
    reds = images.mean((1, 2, 3))
    assert torch.equal(reds.argsort(), labels.argsort())  # the labels still belong to their images


def test_if_nothing_can_be_read_training_says_so(tmp_path: Path) -> None:
    split = Split(Files(tmp_path, ["a.png", "b.png"]), np.arange(2), channels=3)
    with pytest.raises(BadInput, match=r"training images cannot be read; for one, .*a\.png' does not exist"):
        Batches(split, Recipe(), Preprocessing(8), seed=0, classes=6)(0)
