"""Weights carried into a network with other classes, other image channels, or without a head."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from featherlight.layers import Network

_STEM = "rows.0.conv.weight"
_CLASSIFIER = "head.classifier."


def adapt(state: Mapping[str, Tensor], model: Network) -> dict[str, Tensor]:
    """A whole state dict for `model`, of the same Spec as the network that `state` comes from.

    The classifier keeps its fresh weights where the number of classes differs; the first kernels are adapted to the
    image channels; what `model` has no place for is left out.
    """
    adapted = dict(model.state_dict())
    for name, tensor in state.items():
        if name == _STEM:
            adapted[name] = adapt_stem(tensor, model.in_chans)
        elif name in adapted and not (name.startswith(_CLASSIFIER) and len(tensor) != model.num_classes):
            adapted[name] = tensor
    return adapted


def adapt_stem(kernels: Tensor, in_chans: int) -> Tensor:
    """First kernels (C, old channels, K, K) for images of `in_chans` channels, the answers staying of the same size.

    One channel gets the sum over the old ones: a grey image then gives what its RGB copy gave. More are repeated in
    turn and scaled down by their number (timm's rule).
    """
    channels = kernels.shape[1]
    if in_chans == channels:
        return kernels
    if in_chans == 1:
        return kernels.sum(dim=1, keepdim=True)
    repeated = kernels[:, torch.arange(in_chans) % channels]
    return repeated * (channels / in_chans)
