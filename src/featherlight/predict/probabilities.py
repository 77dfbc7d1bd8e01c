"""From scores to probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """The probabilities that scores (..., classes) stand for, in float64; they sum to 1 along the last dimension."""
    shares = np.exp(scores.astype(np.float64) - scores.max(-1, keepdims=True))
    probabilities: NDArray[np.float64] = shares / shares.sum(-1, keepdims=True)
    return probabilities
