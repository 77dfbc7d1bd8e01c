from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from featherlight.layers import ChannelShuffle


def two_grouped_convolutions(groups: int, between: nn.Module) -> torch.Tensor:
    """Which outputs of two pointwise group convolutions in a row depend on which inputs, as a matrix of booleans."""
    torch.manual_seed(0)
    channels = 12
    layers = nn.Sequential(
        nn.Conv2d(channels, channels, 1, groups=groups, bias=False),
        between,
        nn.Conv2d(channels, channels, 1, groups=groups, bias=False),
    )
    # The layers are linear: their Jacobian's columns are their answers to the unit vectors.
    jacobian: torch.Tensor = layers(torch.eye(channels).reshape(channels, channels, 1, 1)).flatten(1).T
    return jacobian.abs() > 1e-9


@pytest.mark.parametrize("groups", [2, 3])
def test_the_shuffle_lets_every_output_see_every_input(groups: int) -> None:
    """Zhang et al. 2018, figure 1: without it a group only ever sees itself, and the Jacobian is block-diagonal."""
    block = 12 // groups
    own_group = torch.kron(torch.eye(groups), torch.ones(block, block)).bool()
    assert torch.equal(two_grouped_convolutions(groups, nn.Identity()), own_group)
    assert two_grouped_convolutions(groups, ChannelShuffle(groups)).all()


@given(groups=st.integers(1, 6), each=st.integers(1, 5))
def test_it_is_the_transpose_of_groups_and_members(groups: int, each: int) -> None:
    x = torch.arange(groups * each, dtype=torch.float32).reshape(1, -1, 1, 1)
    shuffled = ChannelShuffle(groups)(x).flatten()
    assert shuffled.tolist() == [g * each + i for i in range(each) for g in range(groups)]
