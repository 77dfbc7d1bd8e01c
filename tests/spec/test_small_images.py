from __future__ import annotations

import pytest
import torch

from featherlight.layers import Network
from featherlight.models import entry, list_models
from featherlight.spec import small_images, total_stride


@pytest.mark.parametrize("name", list_models())
def test_the_total_stride_becomes_eight_and_the_last_map_stays_four_wide(name: str) -> None:
    spec = small_images(entry(name).build(**({} if entry(name).baseline else {"width": 0.25})))
    assert total_stride(spec) == 8
    with torch.device("meta"):
        network = Network(spec, num_classes=10, in_chans=1).eval()
        for size in (28, 32, 33, 64):
            *_, height, width = network.forward_features(torch.empty(1, 1, size, size)).shape
            assert height == width >= 4
            scores = network(torch.empty(1, 1, size, size))
            assert isinstance(scores, torch.Tensor)
            assert scores.shape == (1, 10)


def test_doing_it_twice_is_doing_it_once() -> None:
    for name in list_models():
        once = small_images(entry(name).build())
        assert small_images(once) == once
