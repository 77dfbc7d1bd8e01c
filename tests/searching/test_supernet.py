"""A supernet: its networks compute what they compute by themselves, and train what is theirs."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from featherlight.layers import Network
from featherlight.searching import SPACES, Space, Supernet, network_of, random_genes, read_space
from featherlight.searching.slices import parts, sliced
from featherlight.training import Checkpoints, Recipe, train_network
from featherlight.training.fused import fused
from small_run import GREY, data
from small_spaces import small_space

RECIPE = Recipe(batch=20, learning_rate=0.05, pad=1, ema=0.9, clip=1.0)
STEPS = 6


def drawn(space: Space, count: int, seed: int = 0) -> list[tuple[int, ...]]:
    generator = np.random.default_rng(seed)
    return [random_genes(space, generator) for _ in range(count)]


def alone(supernet: Supernet, genes: tuple[int, ...]) -> Network:
    """The ordinary network, its weights loaded as from any file."""
    network = Network(network_of(supernet.space, genes), supernet.num_classes, supernet.in_chans)
    network.load_state_dict(supernet.weights(genes))
    return network.train()


@settings(max_examples=12)
@given(st.sampled_from([*sorted(SPACES), "small"]), st.integers(0, 1 << 30))
def test_a_network_computes_what_it_computes_by_itself(name: str, seed: int) -> None:
    space = small_space() if name == "small" else read_space(name, 28)
    [genes] = drawn(space, 1, seed)
    supernet = Supernet(space, [genes], 3, 2, seed=seed)
    images = torch.randn((4, 2, 28, 28), generator=torch.Generator().manual_seed(seed))
    network = alone(supernet, genes)
    assert torch.equal(supernet.scores(genes, images), network(images))
    taken = supernet.network(genes)
    taken.load_state_dict(network.state_dict())  # with the statistics that it has by now
    assert torch.equal(taken.eval()(images), network.eval()(images))


def backward(scores: Tensor) -> None:
    scores.square().sum().backward()  # type: ignore[no-untyped-call]


@settings(max_examples=15)
@given(st.integers(0, 1 << 30), st.booleans())
def test_gradients_reach_the_slices_and_nothing_else(seed: int, kernels: bool) -> None:
    space = small_space()
    [genes] = drawn(space, 1, seed)
    supernet = Supernet(space, [genes], 3, 1, seed=seed)
    images = torch.randn((4, 1, 12, 12), generator=torch.Generator().manual_seed(seed))
    images = images.contiguous(memory_format=torch.channels_last)
    network = alone(supernet, genes)
    backward(network(images))
    with fused() if kernels else contextlib.nullcontext():
        backward(supernet.scores(genes, images))
    left = {name: p.grad for name, p in supernet.named_parameters() if p.grad is not None}
    own = dict(network.named_parameters())
    every = parts(space, genes, 3, 1)
    names = [*(f"rows.{number}" for number in range(len(every) - 1)), "head"]
    for at, part in zip(names, every, strict=True):
        for name, channels in part.slices.items():
            gradient, shared = own.pop(f"{at}.{name}").grad, left[f"blocks.{part.shared}.{name}"]
            assert gradient is not None
            torch.testing.assert_close(sliced(shared, channels), gradient, rtol=1e-3, atol=1e-3)
            places = torch.arange(shared.numel()).reshape(shared.shape)
            shared.view(-1)[sliced(places, channels).flatten()] = 0
    assert not own
    assert not any(gradient.any() for gradient in left.values())


def test_each_step_trains_networks_of_the_pool() -> None:
    space = small_space()
    pool = drawn(space, 5)
    supernet = Supernet(space, pool, 3, 1, at_once=2)
    images = torch.randn(6, 1, 12, 12)
    single = [supernet.scores(genes, images[:3]) for genes in pool]
    seen = set()
    supernet.train()
    for _ in range(40):
        first = supernet(images)[:3]
        seen.add(next(number for number, own in enumerate(single) if torch.equal(own, first)))
    assert seen == set(range(5))
    supernet.eval()
    assert torch.equal(supernet(images)[:3], single[0])
    assert torch.equal(supernet(images), supernet(images))


class Killed(Exception):
    """What comes instead of a signal that leaves no time."""


def trained(folder: Path | None, until: int = STEPS) -> dict[str, Tensor]:
    """The weights after training; killed after so many steps where these are not all."""
    supernet = Supernet(small_space(), drawn(small_space(), 6), 3, 1)

    def progress(step: int, steps: int, loss: float, left: float) -> None:
        if step == until < steps:
            raise Killed

    checkpoints = None if folder is None else Checkpoints(folder, every=0)
    train_network(supernet, data(), RECIPE, GREY, steps=STEPS, threads=1, checkpoints=checkpoints, progress=progress)
    return supernet.state_dict()


def test_a_killed_training_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        trained(tmp_path, until=3)
    gone_on, at_once = trained(tmp_path), trained(None)
    assert gone_on.keys() == at_once.keys()
    assert all(torch.equal(tensor, at_once[name]) for name, tensor in gone_on.items())
    start = Supernet(small_space(), drawn(small_space(), 6), 3, 1).state_dict()
    assert any(not torch.equal(tensor, start[name]) for name, tensor in at_once.items())


def test_the_same_seed_is_the_same_supernet() -> None:
    pool = drawn(small_space(), 3)
    one, other, third = (Supernet(small_space(), pool, 3, 1, seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not all(torch.equal(one[name], third[name]) for name in one)


def test_importing_spaces_loads_no_engine() -> None:
    code = "import featherlight.searching, sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
