from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from featherlight.data import Dataset, Preprocessing
from featherlight.errors import Failure
from featherlight.pretrained import create_model
from featherlight.training import preprocessing_for
from featherlight.training.normalisation import preprocessing_of_weights
from featherlight.training.papers import RECIPES
from featherlight.training.start import start_from
from small_run import data


def test_where_there_are_weights_they_are_where_it_starts(dataset: Dataset) -> None:
    said: list[str] = []
    start = start_from("mobilenet_v2", {}, dataset, say=said.append)
    published = create_model("mobilenet_v2", True)
    assert start.weights == "torchvision:mobilenet_v2.tv_in1k"
    assert start.recipe == RECIPES["fine-tune-small"]
    assert said == []
    assert (start.preprocessing.size, start.preprocessing.channels) == (64, 1)
    assert start.network.spec == published.spec  # its strides too, although the images are small
    assert (start.network.num_classes, start.network.in_chans) == (3, 1)
    mine, theirs = start.network.state_dict(), published.state_dict()
    torch.testing.assert_close(mine["rows.0.conv.weight"], theirs["rows.0.conv.weight"].sum(1, keepdim=True))
    assert torch.equal(mine["rows.9.expand.conv.weight"], theirs["rows.9.expand.conv.weight"])


def test_from_scratch_it_is_another_network(dataset: Dataset) -> None:
    start = start_from("mobilenet_v2", {"width": 0.35}, dataset, scratch=True, seed=3, changes=["dropout=0.3"])
    again = start_from("mobilenet_v2", {"width": 0.35}, dataset, scratch=True, seed=3)
    other = start_from("mobilenet_v2", {"width": 0.35}, dataset, scratch=True, seed=4)
    assert start.weights is None
    assert start.network.drop_rate == 0.3
    assert start.preprocessing == preprocessing_for(dataset, 28)
    name = "rows.0.conv.weight"
    assert torch.equal(start.network.state_dict()[name], again.network.state_dict()[name])
    assert not torch.equal(start.network.state_dict()[name], other.network.state_dict()[name])


def test_a_network_without_weights_says_so_and_starts_from_scratch(dataset: Dataset) -> None:
    said: list[str] = []
    assert start_from("mobilenet_v2", {"width": 0.6}, dataset, say=said.append).weights is None
    assert said == ["no weights are known for mobilenet_v2: training from scratch"]


def test_weights_that_cannot_be_had_name_the_way_without_them(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise Failure("the weights are not here and cannot be had: no network")

    monkeypatch.setattr("featherlight.training.start.create_model", unreachable)
    with pytest.raises(Failure, match="no network; --scratch trains without them"):
        start_from("mobilenet_v2", {}, dataset)


def test_small_images_are_seen_whole_and_in_their_own_light() -> None:
    preprocessing = preprocessing_for(data(), 12)
    pixels = data().train.images(np.arange(96), 12) / 255
    assert preprocessing.mean[0] == pytest.approx(pixels.mean(), abs=1e-3)
    assert preprocessing.std[0] == pytest.approx(pixels.std(), abs=1e-3)
    assert preprocessing.crop_pct == 1.0


def test_weights_keep_their_normalisation() -> None:
    grey = preprocessing_of_weights(Preprocessing(), data(), 96)
    assert grey.mean == pytest.approx((sum(Preprocessing().mean) / 3,))
    assert (grey.size, grey.crop_pct) == (96, 0.875)
    assert preprocessing_of_weights(Preprocessing(), data(), 64).crop_pct == 1.0
