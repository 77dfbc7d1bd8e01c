from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Generator, Tensor

from featherlight.training import Recipe
from featherlight.training.augment import augment, decoded_size, pad_and_crop, resized_crop


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
    assert 0.73 < shape.min() < shape.max() < 1.36
    assert parts.min() >= 0
    assert parts.max() <= 252


def test_a_plain_image_stays_plain_to_its_edges() -> None:
    plain = torch.full((50, 3, 16, 16), 200, dtype=torch.uint8)
    assert torch.allclose(resized_crop(plain, 14, 0.35, True, random()), torch.tensor(200.0))


@pytest.mark.parametrize("recipe", [Recipe(), Recipe(crop="resize")])
def test_augment_gives_the_size_asked_for_and_repeats_from_a_seed(recipe: Recipe) -> None:
    images = noise(8, 3, decoded_size(recipe, 56))
    first, again, other = (augment(images, 56, recipe, random(seed)) for seed in (0, 0, 1))
    assert first.shape == (8, 3, 56, 56)
    assert first.dtype == torch.float32
    assert first.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
