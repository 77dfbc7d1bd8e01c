"""What each ATen operator means in canonical kinds: one table, `ATEN`.

A translation takes a `Call` and the operator's arguments, by the names of its schema, defaults filled in; the tensor
that the operator acts on is always `x`, and a tensor is its name in the graph. It adds operations and returns the
name of the result, or one name an output (None for an output that has no meaning here, such as a pool's indices).
No file of this folder imports torch.
"""

from __future__ import annotations

from collections.abc import Callable

from featherlight.graph import kinds
from featherlight.graph.aten.arranging import (
    cat,
    channel_shuffle,
    narrow,
    pad,
    permute,
    reshape,
    select,
    slice_,
    split,
    t,
    transpose,
)
from featherlight.graph.aten.call import Call, NotCanonical, Result
from featherlight.graph.aten.element_wise import (
    activation,
    clamp,
    dropout,
    element_wise,
    filled,
    full,
    gelu,
    hardtanh,
    identity,
    reversed_subtract,
    softmax,
)
from featherlight.graph.aten.pooling import (
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    amax,
    avg_pool2d,
    max_pool2d,
    max_pool2d_with_indices,
    mean,
)
from featherlight.graph.aten.weighted import addmm, batch_norm, conv2d, linear, matmul, mm, native_batch_norm

__all__ = ["ATEN", "Call", "NotCanonical", "Result"]

# By name without overload and without the underscore of in-place operators.
ATEN: dict[str, Callable[..., Result]] = {
    "conv2d": conv2d,
    "linear": linear,
    "addmm": addmm,
    "mm": mm,
    "matmul": matmul,
    "batch_norm": batch_norm,
    "_native_batch_norm_legit_no_training": native_batch_norm,
    "relu": activation("relu"),
    "relu6": activation("relu6"),
    "hardsigmoid": activation("hard_sigmoid"),
    "hardswish": activation("hard_swish"),
    "sigmoid": activation("sigmoid"),
    "silu": activation("silu"),
    "tanh": activation("tanh"),
    "gelu": gelu,
    "clamp": clamp,
    "clamp_min": clamp,
    "clamp_max": clamp,
    "clip": clamp,
    "hardtanh": hardtanh,
    "softmax": softmax,
    "_softmax": softmax,
    "add": element_wise(kinds.Add()),
    "sub": element_wise(kinds.Subtract()),
    "mul": element_wise(kinds.Multiply()),
    "div": element_wise(kinds.Divide()),
    "rsub": reversed_subtract,
    "max_pool2d": max_pool2d,
    "max_pool2d_with_indices": max_pool2d_with_indices,
    "avg_pool2d": avg_pool2d,
    "adaptive_avg_pool2d": adaptive_avg_pool2d,
    "adaptive_max_pool2d": adaptive_max_pool2d,
    "mean": mean,
    "amax": amax,
    "cat": cat,
    "concat": cat,
    "chunk": split,
    "split": split,
    "split_with_sizes": split,
    "slice": slice_,
    "narrow": narrow,
    "select": select,
    "view": reshape,
    "_unsafe_view": reshape,
    "reshape": reshape,
    "flatten": reshape,
    "unflatten": reshape,
    "squeeze": reshape,
    "unsqueeze": reshape,
    "permute": permute,
    "transpose": transpose,
    "t": t,
    "channel_shuffle": channel_shuffle,
    "native_channel_shuffle": channel_shuffle,
    "pad": pad,
    "constant_pad_nd": pad,
    "dropout": dropout,
    "feature_dropout": dropout,
    "alpha_dropout": dropout,
    "ones": filled(1.0),
    "zeros": filled(0.0),
    "full": full,
    "contiguous": identity,
    "clone": identity,
    "detach": identity,
    "alias": identity,
    "to": identity,
    "type_as": identity,
}
