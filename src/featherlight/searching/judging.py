"""What a network is worth with weights that its batch norm does not know: a supernet's, or a short training's."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from featherlight.data import Dataset, Preprocessing, Split
from featherlight.errors import Failure
from featherlight.searching.space import Genes
from featherlight.searching.supernet import Supernet
from featherlight.training import memory, scores
from featherlight.training.fused import fused
from featherlight.training.step import in_format

JUDGED = 2000  # validation images at most, always the same ones
RECALIBRATED, BATCH = 512, 128  # training images that tell batch norm what to expect, so many at once


def judge(
    supernet: Supernet, genes: Genes, dataset: Dataset, preprocessing: Preprocessing, images: int = JUDGED
) -> float:
    """The accuracy on so many validation images, batch norm's statistics its own: from 0 to 1."""
    calibration = calibration_images(dataset.train, preprocessing)
    return recalibrated_accuracy(supernet.network(genes), dataset.validation, preprocessing, calibration, images)


def recalibrated_accuracy(
    network: nn.Module, split: Split, preprocessing: Preprocessing, calibration: Tensor, images: int = JUDGED
) -> float:
    """The accuracy on so many images of the split, when `calibration` has told batch norm what to expect.

    Raises Failure where scores are not finite: a loss tells that of all steps of a training but the last.
    """
    recalibrate(in_format(network, torch.channels_last), calibration)
    chosen = _some(split, images)
    answers = scores(network, split, preprocessing, chosen)
    if not np.isfinite(answers).all():
        raise Failure("training diverged: the scores are not finite")
    return float((answers.argmax(1) == split.labels[chosen])[split.sound(chosen)].mean())


def calibration_images(split: Split, preprocessing: Preprocessing) -> Tensor:
    """What tells batch norm what to expect: some training images as the network will see others, (N, C, size, size)."""
    chosen = _some(split, RECALIBRATED)
    images = split.prepared(chosen, preprocessing)
    return torch.from_numpy(images[split.sound(chosen)])  # which are broken is known once they are read


def recalibrate(network: nn.Module, images: Tensor) -> None:
    """Give batch norm the statistics of these images, (N, C, H, W), and leave the network in evaluation mode.

    Those of a supernet's networks differ too much for common ones (Yu et al. 2020, BigNAS, section 3.3).
    """
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean of all batches
    network.train()
    with torch.no_grad(), fused(), memory.kept():
        # All of about the same size, since each counts as much: of 129 images the last is no batch of its own.
        count = -(-len(images) // BATCH)
        for batch in torch.tensor_split(images.contiguous(memory_format=torch.channels_last), count):
            network(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.eval()


def _some(split: Split, images: int) -> NDArray[np.int64]:
    return np.sort(np.random.default_rng(0).permutation(len(split))[:images])
