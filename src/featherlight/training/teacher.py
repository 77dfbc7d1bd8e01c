"""A trained network as the teacher of another one (Hinton et al. 2015): it sees the same images in its own way."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherlight.data import Dataset, Preprocessing
from featherlight.errors import BadInput
from featherlight.pretrained import load_published


class Teacher(nn.Module):
    """A network that takes images prepared for another one.

    Their normalisation is undone and its own applied, and they are resized where it expects another size.
    """

    def __init__(self, network: nn.Module, own: Preprocessing, given: Preprocessing) -> None:
        super().__init__()
        self.network, self._size = network, own.size
        mean, std, own_mean, own_std = (
            torch.tensor(numbers)[:, None, None] for numbers in (given.mean, given.std, own.mean, own.std)
        )
        self.register_buffer("scale", std / own_std)
        self.register_buffer("shift", (mean - own_mean) / own_std)
        self.scale: Tensor
        self.shift: Tensor

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W), normalised for the pupil, to the teacher's scores (N, classes)."""
        images = images * self.scale + self.shift
        if images.shape[-1] != self._size:
            images = F.interpolate(images, self._size, mode="bilinear", antialias=True)
        scores: Tensor = self.network(images)
        return scores


def load_teacher(name: str, dataset: Dataset, preprocessing: Preprocessing) -> Teacher:
    """The network of that name with its weights, for images prepared by `preprocessing`.

    Raises BadInput where its classes are not those of the data set, in the same order, or its channels differ.
    """
    network, published = load_published(name)
    if published.label_names != dataset.label_names:
        strange = set(published.label_names) ^ set(dataset.label_names)
        what = (
            f"these are not in both: {', '.join(map(repr, sorted(strange)[:10]))}" if strange else "the order differs"
        )
        raise BadInput(f"the teacher {name} must have the classes of the images; {what}")
    own = Preprocessing.from_config(published.preprocessing)
    if own.channels != preprocessing.channels:
        raise BadInput(f"the teacher {name} takes {own.channels} channels; the images have {preprocessing.channels}")
    return Teacher(network, own, preprocessing)
