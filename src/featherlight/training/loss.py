"""What training makes small: cross entropy with the recipe's targets, and a teacher's opinion beside it."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from featherlight.training.recipe import Recipe


def loss(
    scores: Tensor, targets: Tensor, recipe: Recipe, weights: Tensor | None = None, taught: Tensor | None = None
) -> Tensor:
    """The loss of a batch: a number, averaged over its images.

    scores   (N, classes), of the network that is trained
    targets  classes, int64 (N,), or shares of them, float32 (N, classes)
    weights  of the classes, float32 (classes,); see `class_weights`
    taught   the teacher's scores, (N, classes)
    """
    own = F.cross_entropy(scores, targets, weight=weights, label_smoothing=recipe.label_smoothing)
    if taught is None:
        return own
    # Hinton et al. 2015, section 2: the squared temperature keeps the gradients' size as the temperature changes.
    soft, teacher = (F.log_softmax(each / recipe.temperature, 1) for each in (scores, taught))
    apart = F.kl_div(soft, teacher, reduction="batchmean", log_target=True) * recipe.temperature**2
    return (1 - recipe.distil) * own + recipe.distil * apart


def class_weights(labels: NDArray[np.int64], classes: int) -> Tensor:
    """How much an image of each class counts for all classes to count the same: float32 (classes,).

    One divided by the class's share of the images, scaled so that an image counts one on average.
    """
    counts = np.bincount(labels, minlength=classes)
    weights = np.divide(len(labels), counts * np.count_nonzero(counts), where=counts > 0, out=np.zeros(classes))
    return torch.from_numpy(weights.astype(np.float32))
