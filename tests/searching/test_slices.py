"""Slices: of every kind of block, those of a thinner network are what carving its first channels would leave."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from featherlight.graph import ChannelGroup
from featherlight.searching import Genes, Kind, Space, Supernet, network_of, random_genes
from featherlight.searching.slices import parts, sliced
from featherlight.shrinking import carve
from featherlight.shrinking.carve import Weights
from featherlight.spec import ShuffleUnit2
from small_spaces import small_space

# A ShuffleNet's shuffles tie channels over a whole stage: its first ones alone cannot be carved.
KINDS: tuple[Kind, ...] = ("inverted_residual", "depthwise_separable", "fire", "convolution")
WIDTHS = ("channels", "expansion", "last", "hidden")


def first(weights: Weights, group: ChannelGroup) -> float:
    """A score by which the first channels stay."""
    return -min(min(group.channels(op.inputs[1], 0)) for op in group.makers)


def thinner(space: Space, genes: Genes, generator: np.random.Generator) -> Genes:
    """The same rows with some of their widths smaller, none of them taken away."""
    changed = list(genes)
    for place, choice in enumerate(space.choices):
        least = 1 if choice.options[0] in (0, 1) else 0
        if choice.name.rpartition(".")[2] in WIDTHS and genes[place] >= least:
            changed[place] = int(generator.integers(least, genes[place] + 1))
    return tuple(changed)


@settings(max_examples=15)
@given(st.integers(0, 1 << 30))
def test_slices_are_the_carving_of_the_first_channels(seed: int) -> None:
    space, generator = small_space(KINDS), np.random.default_rng(seed)
    wide = random_genes(space, generator)
    thin = thinner(space, wide, generator)
    old, new = network_of(space, wide), network_of(space, thin)
    assume(old != new)
    supernet = Supernet(space, [wide], 3, 1, seed=seed)
    carved, own = carve(supernet.weights(wide), old, new, first), supernet.weights(thin)
    assert carved.keys() == own.keys()
    for name, tensor in own.items():
        assert torch.equal(tensor, carved[name]), name


def test_a_small_kernel_is_the_middle_of_a_large_one() -> None:
    weight = torch.arange(2 * 3 * 25.0).reshape(2, 3, 5, 5)
    middle = sliced(weight, (range(1), range(2), range(3), range(3)))
    assert torch.equal(middle, weight[:1, :2, 1:4, 1:4])
    assert middle.data_ptr() == weight[0, 0, 1, 1:].data_ptr()  # a view


def test_channels_that_do_not_lie_side_by_side_are_gathered() -> None:
    weight = torch.arange(12.0).reshape(2, 6)
    assert torch.equal(sliced(weight, (range(2), (1, 3, 0))), weight[:, [1, 3, 0]])


def test_the_second_half_is_what_a_shuffle_unit_convolves() -> None:
    space = small_space(("shuffle_unit_2",))
    generator = np.random.default_rng(0)
    for _ in range(20):
        genes = random_genes(space, generator)
        for row, part in zip(network_of(space, genes).rows, parts(space, genes, 3, 1), strict=False):
            if isinstance(row, ShuffleUnit2) and row.stride == 1:
                half = row.channels // 2
                assert part.slices["reduce.conv.weight"][1] == range(half, row.channels)
