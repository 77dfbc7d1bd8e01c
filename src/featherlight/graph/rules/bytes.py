"""How many elements an operation reads and writes if every tensor is met once: a bound that caches cannot beat.

Elements rather than bytes, so that one table serves every precision. For a 1x1 convolution of c1 to c2 channels on a
map of h x w the two add up to hw(c1 + c2) + c1 c2, the memory access cost of Ma et al. 2018 (ShuffleNet v2), section 3.
"""

from __future__ import annotations

from collections.abc import Callable

from featherlight.graph import kinds
from featherlight.graph.ir import Tensor

Tensors = tuple[Tensor, ...]


def everything(inputs: Tensors, outputs: Tensors) -> tuple[int, int]:
    """Every input read, weights included, and every output written."""
    return sum(tensor.elements for tensor in inputs), sum(tensor.elements for tensor in outputs)


def as_written(inputs: Tensors, outputs: Tensors) -> tuple[int, int]:
    """Only what is kept is read."""
    written = sum(tensor.elements for tensor in outputs)
    return written, written


def nothing(inputs: Tensors, outputs: Tensors) -> tuple[int, int]:
    """Another view of the same memory."""
    return 0, 0


TRAFFIC: dict[type[kinds.Kind], Callable[[Tensors, Tensors], tuple[int, int]]] = {
    kinds.Convolution: everything,
    kinds.Linear: everything,
    kinds.BatchNorm: everything,
    kinds.Activation: everything,
    kinds.Clip: everything,
    kinds.Softmax: everything,
    kinds.LogSoftmax: everything,
    kinds.LocalResponseNorm: everything,
    kinds.Quantize: everything,
    kinds.Add: everything,
    kinds.Subtract: everything,
    kinds.Multiply: everything,
    kinds.Divide: everything,
    kinds.MaxPool: everything,
    kinds.AveragePool: everything,
    kinds.AdaptiveAveragePool: everything,
    kinds.Mean: everything,
    kinds.Concat: everything,
    kinds.Split: everything,
    kinds.Slice: as_written,
    kinds.Reshape: nothing,
    kinds.Transpose: everything,
    kinds.ChannelShuffle: everything,
    kinds.ConcatShuffleSplit: everything,
    kinds.Pad: everything,
    kinds.Identity: nothing,
}
