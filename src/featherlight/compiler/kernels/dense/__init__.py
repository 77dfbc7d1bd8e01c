"""A kernel for every kind of operation, over dense row-major float32 tensors as the graph has them.

They are what any graph can be compiled with: right for every shape, and used where no faster kernel fits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from llvmlite import ir

from featherlight.compiler.code import Code
from featherlight.compiler.kernels.dense import arranging
from featherlight.compiler.kernels.dense.adaptive_pool import adaptive_pool
from featherlight.compiler.kernels.dense.convolution import convolution
from featherlight.compiler.kernels.dense.element_wise import batch_norm, element_wise
from featherlight.compiler.kernels.dense.linear import linear
from featherlight.compiler.kernels.dense.local_response_norm import local_response_norm
from featherlight.compiler.kernels.dense.mean import mean
from featherlight.compiler.kernels.dense.pad import pad
from featherlight.compiler.kernels.dense.pools import average_pool, max_pool
from featherlight.compiler.kernels.dense.softmax import softmax
from featherlight.compiler.kernels.dense.walk import Shape
from featherlight.graph import kinds


class Kernel(Protocol):
    """A frozen record, equal to another of the same code; its pointers are the inputs in order, then the outputs."""

    def emit(self, code: Code) -> ir.Function:
        """The kernel's function: kernel(thread, threads, pointers...)."""
        ...


def kernel(kind: kinds.Kind, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Kernel:
    """The kernel of an operation on tensors of those shapes, constants included."""
    return KERNELS[type(kind)](kind, inputs, outputs)


KERNELS: dict[type[kinds.Kind], Callable[[Any, tuple[Shape, ...], tuple[Shape, ...]], Kernel]] = {
    kinds.Convolution: convolution,
    kinds.Linear: linear,
    kinds.BatchNorm: batch_norm,
    kinds.Activation: element_wise,
    kinds.Clip: element_wise,
    kinds.Softmax: softmax,
    kinds.LogSoftmax: softmax,
    kinds.LocalResponseNorm: local_response_norm,
    kinds.Quantize: element_wise,
    kinds.Add: element_wise,
    kinds.Subtract: element_wise,
    kinds.Multiply: element_wise,
    kinds.Divide: element_wise,
    kinds.MaxPool: max_pool,
    kinds.AveragePool: average_pool,
    kinds.AdaptiveAveragePool: adaptive_pool,
    kinds.Mean: mean,
    kinds.Concat: arranging.concat,
    kinds.Split: arranging.split,
    kinds.Slice: arranging.slice_,
    kinds.Reshape: arranging.copy,
    kinds.Transpose: arranging.transpose,
    kinds.ChannelShuffle: arranging.channel_shuffle,
    kinds.ConcatShuffleSplit: arranging.concat_shuffle_split,
    kinds.Pad: pad,
    kinds.Identity: arranging.copy,
}
