from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor

from featherlight.training import Recipe
from featherlight.training.augment import augment, decoded_size, erase, pad_and_crop, resized_crop
from featherlight.training.recipe import Crop, Policy


def random(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def noise(count: int, channels: int, size: int) -> Tensor:
    return torch.randint(0, 256, (count, channels, size, size), dtype=torch.uint8, generator=random())


@given(st.integers(1, 6), st.sampled_from([1, 3]), st.integers(3, 9), st.integers(0, 2), st.booleans())
def test_each_image_is_a_window_of_its_own_padded_self(
    count: int, channels: int, size: int, pad: int, mirror: bool
) -> None:
    images = noise(count, channels, size)
    moved = pad_and_crop(images, pad, mirror, random(1))
    padded = torch.nn.functional.pad(images, (pad,) * 4)
    for one, whole in zip(moved, padded, strict=True):
        windows = [
            whole[:, top : top + size, left : left + size] for top in range(2 * pad + 1) for left in range(2 * pad + 1)
        ]
        windows += [window.flip(2) for window in windows] if mirror else []
        assert any(torch.equal(one, window) for window in windows)


def test_every_offset_and_both_hands_occur_equally_often() -> None:
    corner = torch.zeros(4000, 1, 5, 5, dtype=torch.uint8)
    corner[:, :, 2, 1] = 1  # where this pixel goes tells the offset, and the hand: columns 0-2 or 2-4
    places = pad_and_crop(corner, 1, True, random()).float().mean(0)[0]
    expected = torch.zeros(5, 5)
    expected[1:4] = torch.tensor([1, 1, 2, 1, 1]) / 18
    assert torch.allclose(places, expected, atol=0.02)


def test_a_resized_crop_is_a_part_of_the_image_within_the_limits() -> None:
    # Channels that hold their own coordinates show which part was taken.
    line = torch.arange(64, dtype=torch.uint8) * 4
    coordinates = torch.stack([line.expand(64, 64), line[:, None].expand(64, 64)]).expand(500, 2, 64, 64)
    parts = resized_crop(coordinates, 32, 0.25, True, random())
    assert parts.shape == (500, 2, 32, 32)
    # The slope in the middle, in source pixels for each output pixel, times the output's size: the part's side.
    width = (parts[:, 0, 16, 20] - parts[:, 0, 16, 12]) / 8 / 4 * 32 / 64
    height = (parts[:, 1, 20, 16] - parts[:, 1, 12, 16]) / 8 / 4 * 32 / 64
    assert 0.4 < (width < 0).float().mean() < 0.6
    assert (height > 0).all()
    area, shape = (width * height).abs(), (width / height).abs()
    assert 0.23 < area.min() < 0.3
    assert 0.8 < area.max() < 1.01
    assert 0.7 < shape.min() < shape.max() < 1.43  # 3:4 to 4:3, and whole pixels
    assert parts.min() >= 0
    assert parts.max() <= 252


def test_a_plain_image_stays_plain_to_its_edges() -> None:
    plain = torch.full((50, 3, 16, 16), 200, dtype=torch.uint8)
    assert torch.allclose(resized_crop(plain, 14, 0.35, True, random()), torch.tensor(200.0))


def test_every_part_of_an_image_is_cropped() -> None:
    image = torch.zeros(1, 1, 40, 40, dtype=torch.uint8).expand(400, 1, 40, 40).contiguous()
    image[:, :, 0, 0] = image[:, :, -1, -1] = 255
    parts = resized_crop(image, 40, 0.35, False, random())
    for corner in (parts[:, 0, 0, 0], parts[:, 0, -1, -1]):
        assert 0.01 < (corner > 128).float().mean() < 0.5


def test_erasing_takes_its_share_of_the_images_and_one_rectangle_of_the_papers_size_from_each() -> None:
    images = noise(400, 3, 40).float()
    erased = erase(images.clone(), 0.25, random(1))
    changed = (erased != images).any(1)
    hit = changed.any(2).any(1)
    assert 0.18 < hit.float().mean() < 0.32
    areas = []
    for before, after, mask in zip(images[hit], erased[hit], changed[hit], strict=True):
        rows, columns = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
        box = (slice(None), slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
        assert torch.allclose(after[box], before.mean((1, 2), keepdim=True).expand_as(after[box]))
        assert mask.sum() >= 0.95 * mask[box[1:]].numel()  # noise may equal the mean by chance
        areas.append(mask[box[1:]].numel() / 1600)
    assert 0.01 < min(areas) < 0.08
    assert 0.3 < max(areas) < 0.42


def test_erasing_none_and_all() -> None:
    images = noise(20, 1, 9).float()
    assert torch.equal(erase(images.clone(), 0.0, random()), images)
    assert ((erase(images.clone(), 1.0, random()) != images).flatten(1).any(1)).all()


RECIPES = st.builds(
    Recipe,
    crop=st.sampled_from(["pad", "resize"]),
    pad=st.integers(0, 4),
    smallest_crop=st.floats(0.05, 1),
    mirror=st.booleans(),
    policy=st.sampled_from(["none", "trivial", "rand"]),
    erase=st.sampled_from([0.0, 0.3, 1.0]),
)


@settings(max_examples=50)
@given(RECIPES, st.integers(1, 20), st.sampled_from([1, 3]), st.sampled_from([28, 29, 33, 57, 96, 131, 224]))
def test_augment_gives_bytes_as_floats_in_the_size_asked_for(
    recipe: Recipe, count: int, channels: int, size: int
) -> None:
    images = noise(count, channels, decoded_size(recipe, size))
    before = images.clone()
    seen = augment(images, size, recipe, random())
    assert seen.shape == (count, channels, size, size)
    assert seen.dtype == torch.float32
    assert seen.is_contiguous(memory_format=torch.channels_last)
    assert seen.min() >= 0
    assert seen.max() <= 255.001
    assert torch.equal(images, before)


CROPS: tuple[Crop, ...] = ("pad", "resize")
CHANGES: tuple[tuple[Policy, float], ...] = (("none", 0.0), ("none", 0.5), ("trivial", 0.0), ("rand", 0.5))
ALL_OF_IT = [Recipe(crop=crop, policy=policy, erase=share) for crop in CROPS for policy, share in CHANGES]


@pytest.mark.parametrize("recipe", ALL_OF_IT)
def test_augment_hangs_on_its_generator_alone(recipe: Recipe) -> None:
    images = noise(16, 3, decoded_size(recipe, 56))
    state = torch.get_rng_state()
    first = augment(images, 56, recipe, random(0))
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(1)
    assert torch.equal(augment(images, 56, recipe, random(0)), first)
    assert not torch.equal(augment(images, 56, recipe, random(1)), first)


@pytest.mark.parametrize("recipe", ALL_OF_IT)
def test_what_happens_to_an_image_does_not_hang_on_the_others(recipe: Recipe) -> None:
    images = noise(16, 3, decoded_size(recipe, 56))
    changed = images.clone()
    changed[8:] = 255 - changed[8:]
    one, other = (augment(each, 56, recipe, random()) for each in (images, changed))
    assert torch.allclose(one[:8], other[:8], atol=1e-3)


def test_kornia_is_imported_only_for_a_policy() -> None:
    code = "import sys, featherlight.training.augment; sys.exit('kornia' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
