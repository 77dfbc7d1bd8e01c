from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor

from featherlight.training import Recipe
from featherlight.training.mix import cutmix, mixed

MIXES = [Recipe(mixup=0.2), Recipe(cutmix=1.0), Recipe(mixup=0.4, cutmix=1.0)]


def random(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def constants(count: int, channels: int = 1, height: int = 9, width: int = 9) -> Tensor:
    """Image i holds the value i everywhere."""
    plain = torch.arange(float(count))[:, None, None, None].expand(count, channels, height, width)
    return plain.contiguous(memory_format=torch.channels_last)


@settings(max_examples=60)
@given(
    st.sampled_from(MIXES),
    st.integers(1, 8),
    st.sampled_from([1, 3]),
    st.sampled_from([1, 28, 29, 57]),
    st.integers(0, 1 << 30),
)
def test_targets_are_shares_of_the_classes_that_each_image_is_made_of(
    recipe: Recipe, count: int, channels: int, size: int, seed: int
) -> None:
    labels = torch.arange(count)  # each image its own class, and its own value
    images, targets = mixed(constants(count, channels, size, size), labels, recipe, count, random(seed))
    assert images.shape == (count, channels, size, size)
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert (images.dtype, targets.dtype, targets.shape) == (torch.float32, torch.float32, (count, count))
    assert torch.allclose(targets.sum(1), torch.ones(count))
    # Blended or pasted: the mean value of an image is that of its classes, by their shares.
    assert torch.allclose(images.mean((1, 2, 3)), targets @ torch.arange(float(count)), atol=1e-4)


@given(st.floats(0, 1), st.integers(1, 40), st.integers(1, 40), st.integers(0, 1 << 30))
def test_cutmix_says_what_share_of_the_pixels_it_pasted(share: float, height: int, width: int, seed: int) -> None:
    before = constants(3, 2, height, width)
    images, pasted = cutmix(before, share, random(seed))
    for index, image in enumerate(images):
        assert set(image.flatten().tolist()) <= {index, (index - 1) % 3}
        assert (image == (index - 1) % 3).float().mean().item() == pytest.approx(pasted)
    assert pasted <= (share**0.5 + 1 / height) * (share**0.5 + 1 / width) + 1e-6
    assert torch.equal(before, constants(3, 2, height, width))


def test_a_box_inside_the_image_has_the_share_asked_for() -> None:
    shares = [cutmix(constants(2, 1, 100, 100), 0.25, random(seed))[1] for seed in range(50)]
    assert max(shares) == pytest.approx(0.25)
    assert min(shares) < 0.2


@pytest.mark.parametrize("recipe", MIXES)
def test_mixing_hangs_on_its_generator_alone(recipe: Recipe) -> None:
    images, labels = torch.rand(4, 3, 28, 28), torch.arange(4)
    state = torch.get_rng_state()
    first = mixed(images, labels, recipe, 10, random(0))
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(1)
    again, other = (mixed(images, labels, recipe, 10, random(seed)) for seed in (0, 1))
    assert all(map(torch.equal, first, again))
    assert not torch.equal(first[0], other[0])


def test_both_mixes_take_turns() -> None:
    def blends(seed: int) -> bool:
        images, _ = mixed(constants(2, 1, 28, 28), torch.arange(2), Recipe(mixup=1.0, cutmix=1.0), 2, random(seed))
        return not set(images.flatten().tolist()) <= {0.0, 1.0}

    assert 0.3 < sum(blends(seed) for seed in range(100)) / 100 < 0.7


def test_a_small_parameter_blends_little_and_a_large_one_in_halves() -> None:
    def spread(recipe: Recipe) -> Tensor:
        shares = [mixed(constants(2), torch.arange(2), recipe, 2, random(seed))[1][0, 0] for seed in range(100)]
        return (torch.stack(shares) - 0.5).abs().mean()

    assert spread(Recipe(mixup=0.05)) > 0.42
    assert spread(Recipe(mixup=100.0)) < 0.05


def test_without_a_mix_the_images_stay() -> None:
    images = torch.rand(3, 1, 8, 8)
    same, targets = mixed(images, torch.tensor([2, 0, 1]), Recipe(), 3, random())
    assert torch.equal(same, images)
    assert torch.equal(targets, torch.eye(3)[[2, 0, 1]])
