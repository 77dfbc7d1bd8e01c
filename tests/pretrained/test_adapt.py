from __future__ import annotations

import pytest
import torch

from featherlight.pretrained.adapt import adapt_stem

KERNELS = torch.randn(8, 3, 3, 3, generator=torch.Generator().manual_seed(0))


def test_a_grey_image_gives_what_its_copy_in_colour_gave() -> None:
    grey = torch.rand(1, 1, 9, 9)
    colour = torch.nn.functional.conv2d(grey.expand(1, 3, 9, 9), KERNELS)
    assert torch.allclose(torch.nn.functional.conv2d(grey, adapt_stem(KERNELS, 1)), colour, atol=1e-5)


@pytest.mark.parametrize("channels", [2, 3, 4, 6, 7])
def test_more_channels_repeat_the_kernels_and_keep_the_size_of_the_answer(channels: int) -> None:
    adapted = adapt_stem(KERNELS, channels)
    assert adapted.shape == (8, channels, 3, 3)
    assert torch.allclose(adapted[:, 0], KERNELS[:, 0] * 3 / channels)
    assert torch.allclose(adapted[:, -1], KERNELS[:, (channels - 1) % 3] * 3 / channels)
