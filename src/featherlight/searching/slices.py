"""Which slices of shared blocks a network is made of: the first channels, the middle of a kernel, the first blocks.

    place 0/1, inverted_residual:   shared block, 6 x 24 inside       a network's, 3 x 16 inside
                                    expand    (144, 24, 1, 1)         [:48, :16]
                                    depthwise (144, 1, 5, 5)          [:48, :, 1:4, 1:4] at kernel 3
                                    project   (24, 144, 1, 1)         [:16, :48]

Cai et al. 2020 (Once-for-All), section 3.2, without its kernel transform; Yu et al. 2020 (BigNAS).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from featherlight.layers.head import HEADS
from featherlight.layers.network import block
from featherlight.layers.shapes import Shape, head_shapes, row_shapes
from featherlight.searching.space import Genes, Space
from featherlight.searching.variation import network_of
from featherlight.spec import Fire, Head, InvertedResidual, Pool, Row, ShuffleUnit2, Style, out_channels

Channels: TypeAlias = range | tuple[int, ...]
"""Which of the shared block's channels a network has."""

Slices: TypeAlias = Mapping[str, tuple[Channels, ...]]
"""Of a block's learnable tensors, for each axis. Those of a kernel's sides are taken from its middle."""

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # of batch norm, no two networks have the same


class Part(NamedTuple):
    """A block of a network: the module that computes it, and the slices it takes of which shared block."""

    module: nn.Module
    shared: str
    slices: Slices


def sliced(weight: Tensor, channels: tuple[Channels, ...]) -> Tensor:
    """The slice of a shared tensor: a view, but for channels that do not lie side by side."""
    for axis, some in enumerate(channels):
        if not isinstance(some, range):
            weight = weight.index_select(axis, torch.tensor(some, device=weight.device))
        elif len(some) < weight.shape[axis]:
            start = some.start if axis < 2 else (weight.shape[axis] - len(some)) // 2
            weight = weight.narrow(axis, start, len(some))
    return weight


def shared_blocks(space: Space, num_classes: int, in_chans: int) -> dict[str, nn.Module]:
    """The blocks that all networks of a space share, by name: of each kind at each place the widest, and the heads."""
    widest: dict[str, tuple[Row, int]] = {}
    for place, row, entering in space.blocks():
        if isinstance(row, ShuffleUnit2):  # the one at stride 2 has all of a unit's tensors
            row, entering = replace(row, stride=2), max(entering, row.channels)
        name = _block_name(place.stage, place.position, row)
        if name not in widest or _width(row, entering) > _width(*widest[name]):
            widest[name] = row, entering
    blocks = {name: block(row, entering or in_chans, space.style) for name, (row, entering) in widest.items()}
    for from_last, channels in ((False, max(space.stages[-1].channels)), (True, max(space.last))):
        for hidden in {min(space.hidden), max(space.hidden)} if channels else ():
            head = Head(hidden=(hidden,) if hidden else ())
            blocks[_head_name(from_last, head)] = _head(head, channels, num_classes)
    return blocks


@lru_cache(maxsize=1 << 12)
def parts(space: Space, genes: Genes, num_classes: int, in_chans: int) -> tuple[Part, ...]:
    """The blocks of a network, one a row of its Spec, and its head."""
    spec = network_of(space, genes)
    found: list[Part] = []
    entering: Channels = _first(in_chans)
    counted = Counter[str]()
    for place, row in zip(space.places(genes), spec.rows, strict=True):
        module = _module(row, len(entering), spec.style)
        if isinstance(row, Pool):
            found.append(Part(module, "", {}))
            continue
        name = _block_name(place.stage, counted[place.stage], row)
        counted[place.stage] += 1
        found.append(Part(module, name, _slices_of_row(row, entering, spec.style)))
        entering = _leaving(row)
    name = _head_name("last" in counted, spec.head)
    module = _head_module(spec.head, len(entering), num_classes)
    return (*found, Part(module, name, _slices_of_head(spec.head, entering, num_classes)))


def _leaving(row: Row) -> Channels:
    if isinstance(row, Fire):
        # Dealt out in turn: so each expand's channels keep their place when both grow.
        return (*range(1, 2 * row.expand1, 2), *range(0, 2 * row.expand3, 2))
    return _first(out_channels(row, 0))


def _slices_of_row(row: Row, entering: Channels, style: Style) -> Slices:
    count = len(entering)
    slices = _slices(row_shapes(row, count, style), row_shapes(row, count + 1, style), entering)
    if isinstance(row, ShuffleUnit2) and row.stride == 1:  # what is convolved is the second half
        out, _, *kernel = slices["reduce.conv.weight"]
        slices["reduce.conv.weight"] = (out, entering[count // 2 :], *kernel)
    return slices


def _slices_of_head(head: Head, entering: Channels, num_classes: int) -> Slices:
    wider = head_shapes(head, len(entering) + 1, num_classes)
    return _slices(head_shapes(head, len(entering), num_classes), wider, entering)


def _slices(
    shapes: Mapping[str, Shape], wider: Mapping[str, Shape], entering: Channels
) -> dict[str, tuple[Channels, ...]]:
    """`wider` are the shapes if one channel more entered: where they differ, an axis counts the channels that enter."""
    return {
        name: tuple(_first(side) if side == other else entering for side, other in zip(shape, wider[name], strict=True))
        for name, shape in shapes.items()
        if not name.endswith(STATISTICS)
    }


def _first(count: int) -> range:
    return range(count)


def _width(row: Row, entering: int) -> tuple[int, int, int]:
    return out_channels(row, entering), entering, getattr(row, "expanded", None) or 0


def _block_name(stage: str, position: int, row: Row) -> str:
    # Without the first convolution a block's inner channels are those that enter it, and none of its own.
    narrow = isinstance(row, InvertedResidual) and row.expanded is None
    return f"{stage}/{position}/{row.kind}{'_not_expanded' if narrow else ''}"


def _head_name(from_last: bool, head: Head) -> str:
    return f"head/{'last' if from_last else 'stages'}{'/hidden' if head.hidden else ''}"


@lru_cache(maxsize=1 << 13)
def _module(row: Row, entering: int, style: Style) -> nn.Module:
    with torch.device("meta"):
        return without_statistics(block(row, entering, style)).train()


@lru_cache(maxsize=1 << 10)
def _head_module(head: Head, entering: int, num_classes: int) -> nn.Module:
    with torch.device("meta"):
        return _head(head, entering, num_classes).train()


def _head(head: Head, entering: int, num_classes: int) -> nn.Module:
    return HEADS[head.kind](entering, head, num_classes, 0.0, "avg")


def without_statistics(module: nn.Module) -> nn.Module:
    """The module itself, its batch norms with the statistics of what they see and no other."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.track_running_stats = False
            layer.running_mean = layer.running_var = layer.num_batches_tracked = None
    return module
