"""The shapes of a network's weights, without making them: what a search asks of thousands of networks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import nn

from featherlight.layers.head import HEADS
from featherlight.layers.network import block
from featherlight.spec import Head, Row, Spec, Style, feature_channels, walk

Shape = tuple[int, ...]


def weight_shapes(spec: Spec, num_classes: int, in_chans: int) -> dict[str, Shape]:
    """Of every tensor in the state_dict of a `Network` of `spec`, in its order."""
    shapes: dict[str, Shape] = {}
    for index, row, channels in walk(spec):
        own = row_shapes(row, channels or in_chans, spec.style)
        shapes |= {f"rows.{index}.{name}": shape for name, shape in own.items()}
    head = head_shapes(spec.head, feature_channels(spec), num_classes)
    return shapes | {f"head.{name}": shape for name, shape in head.items()}


@lru_cache(maxsize=1 << 14)
def row_shapes(row: Row, in_channels: int, style: Style) -> Mapping[str, Shape]:
    """Of every tensor in the state_dict of one row's module."""
    with torch.device("meta"):
        return _of(block(row, in_channels, style))


@lru_cache(maxsize=1 << 10)
def head_shapes(head: Head, channels: int, num_classes: int) -> Mapping[str, Shape]:
    """Of every tensor in the state_dict of a head's module."""
    with torch.device("meta"):
        return _of(HEADS[head.kind](channels, head, num_classes, 0.0, "avg"))


def _of(module: nn.Module) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
