from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor

from featherlight.training import policies
from featherlight.training.policies import Operation, operations, rand, trivial

Policy = Callable[[Tensor, Generator], Tensor]
POLICIES: list[Policy] = [trivial, rand]


def random(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def smooth(count: int, channels: int, size: int) -> Tensor:
    """Images of 0 to 1 whose neighbours are alike, as a photograph's are."""
    coarse = torch.rand(count, channels, 4, 4, generator=random())
    return torch.nn.functional.interpolate(coarse, size, mode="bilinear")


def name_of(operation: Operation) -> str:
    return operation.__name__


@pytest.mark.parametrize("policy", POLICIES)
def test_each_image_gets_an_operation_of_its_own(policy: Policy) -> None:
    same = smooth(1, 3, 32).mul(255).round().repeat(200, 1, 1, 1)
    seen = policy(same.clone(), random())
    different = {tuple(image.flatten().tolist()) for image in seen}
    assert len(different) > (100 if policy is trivial else 50)


@pytest.mark.parametrize("channels", [1, 3])
def test_every_operation_is_drawn_equally_often(channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = {}

    def counting(operation: Operation) -> Operation:
        def count(images: Tensor, strength: Tensor) -> Tensor:
            drawn[operation.__name__] = len(images)
            return images

        return count

    counters = tuple(counting(operation) for operation in operations(channels))
    monkeypatch.setattr(policies, "operations", lambda channels: counters)
    trivial(torch.zeros(5000, channels, 1, 1), random())
    drawn["identity"] = 5000 - sum(drawn.values())
    assert len(drawn) == (14 if channels == 3 else 13)
    assert all(0.8 < share * len(drawn) / 5000 < 1.2 for share in drawn.values())


def test_only_rgb_images_have_a_saturation() -> None:
    assert policies.saturation in operations(3)
    assert policies.saturation not in operations(1)


@pytest.mark.parametrize("policy", POLICIES)
def test_strengths_go_both_ways(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    strengths = []

    def note(images: Tensor, strength: Tensor) -> Tensor:
        strengths.append(strength)
        return images

    monkeypatch.setattr(policies, "operations", lambda channels: (note,))
    policy(torch.zeros(2000, 1, 1, 1), random())
    strength = torch.cat(strengths)
    assert 0.45 < (strength > 0).float().mean() < 0.55
    if policy is trivial:
        assert strength.abs().max() > 0.99
        assert strength.abs().min() < 0.01
    else:
        assert torch.allclose(strength.abs(), torch.tensor(policies.MODERATE))


@pytest.mark.parametrize("operation", operations(3), ids=name_of)
@settings(max_examples=10)
@given(size=st.integers(3, 40), strengths=st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=4))
def test_what_comes_out_of_an_operation_is_an_image(operation: Operation, size: int, strengths: list[float]) -> None:
    for channels in (1, 3):
        images = torch.rand(len(strengths), channels, size, size, generator=random())
        seen = operation(images, torch.tensor(strengths))
        assert seen.shape == images.shape
        assert seen.min() >= 0
        assert seen.max() <= 1.00001


@pytest.mark.parametrize(
    "operation", [each for each in operations(3) if name_of(each) not in ("auto_contrast", "equalize")], ids=name_of
)
def test_no_strength_is_no_change(operation: Operation) -> None:
    images = torch.randint(0, 256, (2, 3, 17, 17), generator=random()) / 255
    assert torch.allclose(operation(images, torch.zeros(2)), images, atol=1e-5)


@pytest.mark.parametrize("operation", operations(3), ids=name_of)
def test_strength_is_an_images_own(operation: Operation) -> None:
    images, strength = smooth(3, 3, 32), torch.tensor([-0.9, 0.3, 0.6])
    together = operation(images, strength)
    alone = torch.cat([operation(images[i : i + 1], strength[i : i + 1]) for i in range(3)])
    assert torch.allclose(together, alone, atol=1e-6)
    assert not torch.allclose(together, images, atol=1e-3)


@pytest.mark.parametrize("operation", [policies.auto_contrast, policies.equalize])
def test_a_flat_image_has_no_contrast_to_stretch(operation: Operation) -> None:
    flat = torch.full((2, 3, 8, 8), 0.4)
    assert torch.allclose(operation(flat, torch.ones(2)), flat)


def test_auto_contrast_uses_the_whole_range_in_each_channel() -> None:
    seen = policies.auto_contrast(smooth(2, 3, 16) * 0.3 + 0.2, torch.ones(2))
    assert torch.allclose(seen.amin((2, 3)), torch.zeros(2, 3), atol=1e-6)
    assert torch.allclose(seen.amax((2, 3)), torch.ones(2, 3), atol=1e-6)


def test_brightness_and_contrast_by_hand() -> None:
    two = torch.tensor([0.4, 0.6]).expand(2, 1, 2, 2)
    strength = torch.tensor([-1.0, 0.5])
    bright = torch.tensor([[0.04, 0.06], [0.58, 0.87]])
    assert torch.allclose(policies.brightness(two, strength), bright[:, None, None].expand(2, 1, 2, 2))
    contrast = torch.tensor([[0.49, 0.51], [0.355, 0.645]])
    assert torch.allclose(policies.contrast(two, strength), contrast[:, None, None].expand(2, 1, 2, 2))


def test_saturation_goes_to_grey() -> None:
    red = torch.tensor([1.0, 0.0, 0.0])[None, :, None, None].expand(1, 3, 4, 4)
    seen = policies.saturation(red, torch.tensor([-1.0]))[0, :, 0, 0]
    assert torch.allclose(seen, 0.9 * 0.299 + torch.tensor([0.1, 0.0, 0.0]), atol=1e-3)


def test_posterize_keeps_the_upper_bits_of_every_byte() -> None:
    every = torch.arange(256).reshape(1, 1, 16, 16)
    for strength, bits in ((0.25, 7), (0.5, 6), (-0.75, 5), (1.0, 4)):
        seen = policies.posterize(every / 255, torch.tensor([strength])) * 255
        assert torch.equal(seen.round().int(), every.int() & (256 - (1 << (8 - bits))))


def test_solarize_inverts_what_is_bright() -> None:
    images = torch.tensor([0.2, 0.4, 0.6, 1.0])[None, None, None].expand(2, 1, 4, 4)
    seen = policies.solarize(images, torch.tensor([0.5, -1.0]))[:, 0, 0]
    assert torch.allclose(seen, torch.tensor([[0.2, 0.4, 0.4, 0.0], [0.8, 0.6, 0.4, 0.0]]))


@pytest.mark.parametrize(("operation", "axis"), [(policies.translate_x, 3), (policies.translate_y, 2)])
def test_translation_moves_by_its_share_of_the_side(operation: Operation, axis: int) -> None:
    images = smooth(2, 3, 20)
    seen = operation(images, torch.tensor([0.5, -0.5]))  # half of 0.3 of 20 pixels: 3
    for one, image, moved in zip(seen, images, (-3, 3), strict=True):
        expected = image.roll(moved, axis - 1)
        expected.narrow(axis - 1, 17 if moved < 0 else 0, 3).zero_()
        assert torch.allclose(one, expected, atol=1e-5)


@pytest.mark.parametrize(("operation", "axis"), [(policies.shear_x, 2), (policies.shear_y, 3)])
def test_shear_moves_lines_against_each_other_and_the_middle_one_not(operation: Operation, axis: int) -> None:
    images = smooth(1, 1, 21)
    seen = operation(images, torch.ones(1))
    assert torch.allclose(seen.select(axis, 10), images.select(axis, 10), atol=1e-5)
    # Ten lines from the middle: three pixels.
    line, moved = images.select(axis, 20)[0, 0], seen.select(axis, 20)[0, 0]
    assert torch.allclose(moved[:18], line[3:], atol=1e-5)
    assert (moved[18:] == 0).all()


def test_rotation_turns_by_30_degrees() -> None:
    bar = torch.zeros(1, 1, 41, 41)
    bar[:, :, 19:22, 20:] = 1  # from the middle to the right
    rows, columns = torch.meshgrid(torch.arange(41.0) - 20, torch.arange(41.0) - 20, indexing="ij")
    for strength in (1.0, -1.0, 0.5):
        seen = policies.rotate(bar, torch.tensor([strength]))[0, 0]
        angle = torch.rad2deg(torch.atan2((seen * rows).sum(), (seen * columns).sum()))
        assert abs(angle.abs() - 30 * abs(strength)) < 1
        assert seen[20, 20] > 0.9
