"""All networks of a space in one: their weights are slices of the same ones, and so are trained together.

There are no elastic layers. At each place stands the widest block of each kind; a network's own blocks, those of
`layers`, are called with slices in the place of their weights, and gradients flow through the slices.

`shrinking.carve` keeps the channels with the largest norm, since it cuts a network that was trained whole. Here
thousands of networks are trained within the same weights, and each must find its own again in the next step: so which
channels it has is fixed before the first, and a network taken out computes what it computed within.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from featherlight.layers import Network
from featherlight.layers.convolution import initialise
from featherlight.layers.shapes import weight_shapes
from featherlight.searching.slices import Part, parts, shared_blocks, sliced, without_statistics
from featherlight.searching.space import Genes, Space
from featherlight.searching.variation import network_of


class Supernet(nn.Module):
    """The networks of a space with shared weights; `training.train_network` trains it like any one network.

    Each step trains others of them: the batch is dealt out to `at_once` networks, drawn from the `pool` by torch's
    random numbers. In evaluation mode they are always the first ones. Batch norm takes the statistics of what it sees,
    since those it could keep would be no network's; `judging.recalibrate` gives a network its own.

    pool    genes of the networks that are drawn: what the shared weights will be good at
    seed    of the first weights
    """

    pool: Tensor

    def __init__(
        self, space: Space, pool: Sequence[Genes], num_classes: int, in_chans: int, *, at_once: int = 2, seed: int = 0
    ) -> None:
        super().__init__()
        self.space, self.num_classes, self.in_chans, self.at_once = space, num_classes, in_chans, at_once
        self.register_buffer("pool", torch.tensor(pool, dtype=torch.int64))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.blocks = without_statistics(nn.ModuleDict(shared_blocks(space, num_classes, in_chans)))
            initialise(self.blocks)
        for genes in pool:
            self._parts(genes)  # kept: the first step is then as quick as the others, which a pace is told by

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, in_chans, H, W) to scores (N, num_classes), each share of the batch by another network."""
        count = min(self.at_once, len(images))
        drawn = torch.randint(len(self.pool), (count,)) if self.training else torch.arange(count) % len(self.pool)
        chosen = self.pool[drawn.to(self.pool.device)].tolist()
        shares = images.tensor_split(count)
        return torch.cat([self.scores(tuple(genes), share) for genes, share in zip(chosen, shares, strict=True)])

    def scores(self, genes: Genes, images: Tensor) -> Tensor:
        """The scores of one network, (N, num_classes), with batch norm by the statistics of these images."""
        x = images
        for part in self._parts(genes):
            x = functional_call(part.module, self._weights(part), (x,), tie_weights=False)
        return x

    def weights(self, genes: Genes) -> dict[str, Tensor]:
        """A network's state_dict, as a `Network` has it: copies of its weights, and batch norm without statistics."""
        *rows, head = self._parts(genes)
        named = {f"rows.{number}": part for number, part in enumerate(rows)} | {"head": head}
        own = {f"{at}.{name}": tensor for at, part in named.items() for name, tensor in self._weights(part).items()}
        shapes = weight_shapes(network_of(self.space, genes), self.num_classes, self.in_chans)
        return {name: own[name].detach().clone() if name in own else _fresh(name, shapes[name]) for name in shapes}

    def network(self, genes: Genes) -> Network:
        """A network by itself, with copies of its weights."""
        with torch.device("meta"):
            network = Network(network_of(self.space, genes), self.num_classes, self.in_chans)
        network.load_state_dict(self.weights(genes), assign=True)
        return network

    def _parts(self, genes: Genes) -> tuple[Part, ...]:
        return parts(self.space, genes, self.num_classes, self.in_chans)

    def _weights(self, part: Part) -> dict[str, Tensor]:
        """Views of the shared weights, by their names within the block."""
        return {
            name: sliced(self.blocks.get_parameter(f"{part.shared}.{name}"), channels)
            for name, channels in part.slices.items()
        }


def _fresh(name: str, shape: tuple[int, ...]) -> Tensor:
    """Of batch norm, before it has seen anything."""
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    return torch.ones(shape) if name.endswith("running_var") else torch.zeros(shape)
