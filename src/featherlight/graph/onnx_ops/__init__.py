"""What each ONNX operator means in canonical kinds: one table, `OPERATORS`.

A translation takes a `Call`, the node's inputs by position (None for one that is left out) and its attributes by name.
It adds operations and returns what comes out: a value, or one an output (None for an output that has no meaning here,
such as a pool's indices). What moved from an attribute to an input in some opset has one name for both. Values that are
known stay arrays while the model is read, so that shapes are computed on the way and never stand in a graph.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from featherlight.graph import kinds
from featherlight.graph.onnx_ops.arranging import (
    concat,
    dropout,
    expand,
    flatten,
    gather,
    identity,
    pad,
    reshape,
    slice_,
    split,
    squeeze,
    transpose,
    unsqueeze,
)
from featherlight.graph.onnx_ops.call import Call, Computed, Known, NotCanonical, Reading, Result, Value
from featherlight.graph.onnx_ops.constants import (
    cast,
    cast_like,
    constant,
    constant_of_shape,
    floor,
    known,
    range_,
    reduce_prod,
    shape,
    size,
)
from featherlight.graph.onnx_ops.element_wise import (
    activation,
    celu,
    clip,
    element_wise,
    elu,
    extreme,
    gelu,
    hard_sigmoid,
    leaky_relu,
    local_response_norm,
    mish,
    negative,
    power,
    prelu,
    selu,
    softmax,
    sum_,
    swish,
)
from featherlight.graph.onnx_ops.pooling import (
    average_pool,
    global_average_pool,
    global_max_pool,
    max_pool,
    reduce_mean,
    reduce_sum,
)
from featherlight.graph.onnx_ops.quantised import convolution as quantised_convolution
from featherlight.graph.onnx_ops.quantised import dequantize, quantize
from featherlight.graph.onnx_ops.weighted import batch_norm, convolution, gemm, matmul

__all__ = ["OPERATORS", "WHOLE", "Call", "Computed", "Known", "NotCanonical", "Reading", "Result", "Value"]

OPERATORS: dict[str, Callable[..., Result]] = {
    "Conv": convolution,
    "Gemm": gemm,
    "MatMul": matmul,
    "BatchNormalization": batch_norm,
    "LRN": local_response_norm,
    "Relu": activation("relu"),
    "Clip": clip,
    "HardSigmoid": hard_sigmoid,
    "HardSwish": activation("hard_swish"),
    "Sigmoid": activation("sigmoid"),
    "Tanh": activation("tanh"),
    "Gelu": gelu,
    "Erf": activation("erf"),
    "Swish": swish,
    "Elu": elu,
    "Selu": selu,
    "Celu": celu,
    "Mish": mish,
    "Softplus": activation("softplus"),
    "LeakyRelu": leaky_relu,
    "PRelu": prelu,
    "Softmax": softmax(kinds.Softmax),
    "LogSoftmax": softmax(kinds.LogSoftmax),
    "Add": element_wise(kinds.Add()),
    "Sub": element_wise(kinds.Subtract()),
    "Mul": element_wise(kinds.Multiply()),
    "Div": element_wise(kinds.Divide()),
    "Sum": sum_,
    "Max": extreme(greatest=True),
    "Min": extreme(greatest=False),
    "Neg": negative,
    "Pow": power,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": global_average_pool,
    "GlobalMaxPool": global_max_pool,
    "ReduceMean": reduce_mean,
    "ReduceSum": reduce_sum,
    "Concat": concat,
    "Split": split,
    "Slice": slice_,
    "Gather": gather,
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Expand": expand,
    "Pad": pad,
    "Identity": identity,
    "Dropout": dropout,
    "QuantizeLinear": quantize,
    "DequantizeLinear": dequantize,
    "QLinearConv": quantised_convolution,
    "Cast": cast,
    "CastLike": cast_like,
    "Constant": constant,
    "ConstantOfShape": constant_of_shape,
    "Shape": shape,
    "Size": size,
    "Range": range_,
    "ReduceProd": reduce_prod,
    "Floor": floor,
    "Ceil": known(np.ceil),
    "Sqrt": known(np.sqrt),
    "Abs": known(np.abs),
    "Reciprocal": known(lambda x: (1.0 / x).astype(x.dtype)),
    "Exp": known(np.exp),
    "Log": known(np.log),
    "Mod": known(np.mod),
    "Equal": known(np.equal),
    "Less": known(np.less),
    "Greater": known(np.greater),
    "And": known(np.logical_and),
    "Or": known(np.logical_or),
    "Not": known(np.logical_not),
    "Where": known(np.where),
}

# Operators that mean on whole numbers what they mean on others: none of them could wrap around.
WHOLE = {
    *("Relu", "Clip", "MaxPool", "GlobalMaxPool", "Concat", "Split", "Slice", "Gather", "Reshape", "Flatten"),
    *("Squeeze", "Unsqueeze", "Transpose", "Expand", "Pad", "Identity", "Dropout", "Shape", "Size", "Cast", "CastLike"),
    *("DequantizeLinear", "QLinearConv"),
}
