"""AlexNet, the network SqueezeNet set out to beat (Krizhevsky et al. 2012).

The single-column form of Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks", which the
public weights use: no groups, no local response normalisation.
"""

from __future__ import annotations

from featherlight.models.registry import Entry, register
from featherlight.spec import Convolution, Head, Pool, Spec, Style


def alexnet() -> Spec:
    """AlexNet at 224x224: five convolutions, three fully connected layers."""
    rows = (
        Convolution(64, 11, stride=4, padding=2),
        Pool(3, 2),
        Convolution(192, 5),
        Pool(3, 2),
        Convolution(384, 3),
        Convolution(256, 3),
        Convolution(256, 3),
        Pool(3, 2),
    )
    return Spec(rows, Head(hidden=(4096, 4096), pool=6), Style(norm="none"))


register(Entry("alexnet", "alexnet", "Krizhevsky et al. 2012, NeurIPS", 0.572, alexnet, baseline=True))
