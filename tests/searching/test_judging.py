"""Judging: a network with shared weights and batch norm's own statistics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from featherlight.searching import Supernet, judge, networks_within, recalibrate
from featherlight.training import Recipe, train_network
from small_run import GREY, data
from small_spaces import seconds, small_space


def test_batch_norm_learns_what_it_will_see() -> None:
    norm = nn.BatchNorm2d(3, momentum=0.1)
    images = torch.randn(200, 3, 8, 8) * torch.tensor([1.0, 2.0, 5.0])[:, None, None] + 3
    recalibrate(norm, images)
    assert not norm.training
    assert norm.momentum == 0.1
    assert norm.running_mean is not None
    assert norm.running_var is not None
    torch.testing.assert_close(norm.running_mean, images.mean((0, 2, 3)), rtol=0.02, atol=0.02)
    torch.testing.assert_close(norm.running_var, images.var((0, 2, 3)), rtol=0.05, atol=0.02)


def test_the_last_images_count_no_more_than_the_first() -> None:
    norm, images = nn.BatchNorm2d(1), torch.zeros(129, 1, 2, 2)
    images[-1] = 129.0
    recalibrate(norm, images)
    assert norm.running_mean is not None
    assert norm.running_mean.item() == pytest.approx(1.0, rel=0.02)


def test_a_trained_supernet_tells_textures_apart() -> None:
    space, dataset = small_space(("inverted_residual", "convolution")), data()
    pool = networks_within(space, seconds, 5e-3, 8, np.random.default_rng(0))
    supernet = Supernet(space, pool, 3, 1)
    before = supernet.state_dict()["blocks.stem/0/convolution.conv.weight"].clone()
    train_network(supernet, dataset, Recipe(batch=32, learning_rate=0.1), GREY, steps=120, threads=1)
    assert not torch.equal(before, supernet.state_dict()["blocks.stem/0/convolution.conv.weight"])
    accuracies = [judge(supernet, genes, dataset, GREY) for genes in pool]
    assert sum(accuracies) / len(pool) > 0.6  # guessing is right in a third
    assert accuracies == [judge(supernet, genes, dataset, GREY) for genes in pool]
    assert judge(supernet, pool[0], dataset, GREY, images=10) == pytest.approx(accuracies[0], abs=0.5)
