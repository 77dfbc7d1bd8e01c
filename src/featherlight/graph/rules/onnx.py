"""How ONNX spells an operation: the nodes of each kind, for any opset from 13 on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, helper, numpy_helper

from featherlight.graph import kinds
from featherlight.graph.activations import Function
from featherlight.graph.ir import Op
from featherlight.graph.rules.value import averaging

Shape = tuple[int, ...]


class Form:
    """The ONNX form of one operation in the making: its nodes and the constants they need beside the graph's own.

    `open_batch` says that the first dimension is not known, so that no constant may name it.
    """

    def __init__(self, op: Op, shapes: Sequence[Shape], opset: int, open_batch: bool) -> None:
        self.op, self.shapes, self.opset, self.open_batch = op, shapes, opset, open_batch
        self.inputs, self.outputs = op.inputs, op.outputs
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def add(self, spelling: str, *inputs: str, to: Sequence[str] | None = None, **attributes: Any) -> str:
        """The first output of a new node. Without `to` it is a new name, for another node of this form to read.

        Nodes are named after the operation's module and its first output.
        """
        part = f"{self.outputs[0]}.{len(self.nodes)}"
        outputs = [part] if to is None else list(to)
        name = f"{self.op.origin}/{outputs[0]}" if self.op.origin else outputs[0]
        self.nodes.append(helper.make_node(spelling, list(inputs), outputs, name=name, **attributes))
        return outputs[0]

    def finish(self, spelling: str, *inputs: str, **attributes: Any) -> None:
        """The node that defines the operation's own outputs."""
        self.add(spelling, *inputs, to=self.outputs, **attributes)

    def integers(self, *values: int) -> str:
        """A constant list of whole numbers."""
        return self._constant(np.array(values, dtype=np.int64))

    def number(self, value: float) -> str:
        """A constant of no dimensions; ONNX's way of leaving out an input if it is infinite."""
        return self._constant(np.array(value, dtype=np.float32)) if math.isfinite(value) else ""

    def array(self, value: npt.ArrayLike) -> str:
        """A constant array."""
        return self._constant(np.asarray(value, dtype=np.float32))

    def _constant(self, value: npt.NDArray[Any]) -> str:
        name = f"{self.outputs[0]}.constant.{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name


def convolution(form: Form, kind: kinds.Convolution) -> None:
    """Conv."""
    form.finish(
        "Conv",
        *form.inputs,
        kernel_shape=form.shapes[1][2:],
        strides=kind.stride,
        pads=kind.padding,
        dilations=kind.dilation,
        group=kind.groups,
    )


def linear(form: Form, kind: kinds.Linear) -> None:
    """Gemm, or MatMul and Add for what is not a matrix."""
    if len(form.shapes[0]) == 2:
        form.finish("Gemm", *form.inputs, transB=1)
    elif len(form.inputs) == 2:
        form.finish("MatMul", form.inputs[0], form.add("Transpose", form.inputs[1], perm=(1, 0)))
    else:
        product = form.add("MatMul", form.inputs[0], form.add("Transpose", form.inputs[1], perm=(1, 0)))
        form.finish("Add", product, form.inputs[2])


def activation(form: Form, kind: kinds.Activation) -> None:
    """By the table of functions."""
    ACTIVATIONS[kind.function](form, form.inputs[0])


def hard_swish(form: Form, x: str) -> None:
    """HardSwish, from opset 14 on."""
    if form.opset >= 14:
        form.finish("HardSwish", x)
    else:
        form.finish("Mul", x, form.add("HardSigmoid", x, alpha=1 / 6, beta=0.5))


def gelu(form: Form, x: str) -> None:
    """Gelu from opset 20 on; before, x / 2 (1 + erf(x / sqrt 2))."""
    if form.opset >= 20:
        form.finish("Gelu", x)
        return
    error = form.add("Erf", form.add("Div", x, form.number(math.sqrt(2.0))))
    form.finish("Mul", form.add("Mul", x, form.number(0.5)), form.add("Add", error, form.number(1.0)))


def pool(spelling: str) -> Callable[[Form, Any], None]:
    """MaxPool or AveragePool."""

    def rule(form: Form, kind: kinds.MaxPool | kinds.AveragePool) -> None:
        own: dict[str, Any] = (
            {"dilations": kind.dilation}
            if isinstance(kind, kinds.MaxPool)
            else {"count_include_pad": int(kind.count_padding)}
        )
        x = form.inputs[0]
        form.finish(spelling, x, kernel_shape=kind.kernel, strides=kind.stride, pads=kind.padding, **own)

    return rule


def adaptive_average_pool(form: Form, kind: kinds.AdaptiveAveragePool) -> None:
    """ONNX has no such operator: two products with matrices that average."""
    height, width = form.shapes[0][2:]
    rows = form.add("MatMul", form.array(averaging(height, kind.size[0])), form.inputs[0])
    form.finish("MatMul", rows, form.array(averaging(width, kind.size[1]).T))


def mean(form: Form, kind: kinds.Mean) -> None:
    """GlobalAveragePool over a map, which engines know best; otherwise ReduceMean, whose axes opset 18 moved."""
    if kind == kinds.Mean((2, 3), keep_axes=True) and len(form.shapes[0]) == 4:
        form.finish("GlobalAveragePool", form.inputs[0])
    elif form.opset >= 18:
        form.finish("ReduceMean", form.inputs[0], form.integers(*kind.axes), keepdims=int(kind.keep_axes))
    else:
        form.finish("ReduceMean", form.inputs[0], axes=kind.axes, keepdims=int(kind.keep_axes))


def slice_(form: Form, kind: kinds.Slice) -> None:
    """Starts, stops, axes and steps, a list of one each."""
    limits = (form.integers(value) for value in (kind.start, kind.stop, kind.axis, kind.step))
    form.finish("Slice", form.inputs[0], *limits)


def reshape(form: Form, kind: kinds.Reshape) -> None:
    """With an open batch the first dimension is whatever remains, as in `batch.py`."""
    shape = (-1, *kind.shape[1:]) if form.open_batch and kind.shape else kind.shape
    form.finish("Reshape", form.inputs[0], form.integers(*shape))


def channel_shuffle(form: Form, kind: kinds.ChannelShuffle) -> None:
    """Reshape, Transpose, Reshape."""
    form.finish("Reshape", *_dealt(form, form.inputs[0], form.shapes[0], kind.groups))


def concat_shuffle_split(form: Form, kind: kinds.ConcatShuffleSplit) -> None:
    """Concat, then the shuffle, then Split."""
    joined = (form.shapes[0][0], sum(kind.sizes), *form.shapes[0][2:])
    shuffled = form.add("Reshape", *_dealt(form, form.add("Concat", *form.inputs, axis=1), joined, kind.groups))
    form.finish("Split", shuffled, form.integers(*kind.sizes), axis=1)


def _dealt(form: Form, x: str, shape: Shape, groups: int) -> tuple[str, str]:
    """The channels of x as a table (n, groups), and the shape that makes them a list again."""
    first = -1 if form.open_batch else shape[0]
    table = form.add("Reshape", x, form.integers(first, groups, shape[1] // groups, *shape[2:]))
    swapped = form.add("Transpose", table, perm=(0, 2, 1, *range(3, len(shape) + 1)))
    return swapped, form.integers(first, *shape[1:])


def quantize(form: Form, kind: kinds.Quantize) -> None:
    """In floating point, as the graph holds it: a QuantizeLinear would need a cast on each side."""
    x, scale, zero_point = form.inputs
    shifted = form.add("Add", form.add("Round", form.add("Div", x, scale)), zero_point)
    form.finish("Clip", shifted, form.number(float(kind.low)), form.number(float(kind.high)))


def plain(spelling: str) -> Callable[..., None]:
    """A node of the same inputs and no attributes."""

    def rule(form: Form, _: object) -> None:
        form.finish(spelling, *form.inputs)

    return rule


ONNX: dict[type[kinds.Kind], Callable[[Form, Any], None]] = {
    kinds.Convolution: convolution,
    kinds.Linear: linear,
    kinds.BatchNorm: lambda form, kind: form.finish("BatchNormalization", *form.inputs, epsilon=kind.epsilon),
    kinds.Activation: activation,
    kinds.Clip: lambda form, kind: form.finish("Clip", form.inputs[0], form.number(kind.low), form.number(kind.high)),
    kinds.Softmax: lambda form, kind: form.finish("Softmax", form.inputs[0], axis=kind.axis),
    kinds.LogSoftmax: lambda form, kind: form.finish("LogSoftmax", form.inputs[0], axis=kind.axis),
    kinds.LocalResponseNorm: lambda form, kind: form.finish(
        "LRN", form.inputs[0], size=kind.size, alpha=kind.alpha, beta=kind.beta, bias=kind.bias
    ),
    kinds.Quantize: quantize,
    kinds.Add: plain("Add"),
    kinds.Subtract: plain("Sub"),
    kinds.Multiply: plain("Mul"),
    kinds.Divide: plain("Div"),
    kinds.MaxPool: pool("MaxPool"),
    kinds.AveragePool: pool("AveragePool"),
    kinds.AdaptiveAveragePool: adaptive_average_pool,
    kinds.Mean: mean,
    kinds.Concat: lambda form, kind: form.finish("Concat", *form.inputs, axis=kind.axis),
    kinds.Split: lambda form, kind: form.finish("Split", form.inputs[0], form.integers(*kind.sizes), axis=kind.axis),
    kinds.Slice: slice_,
    kinds.Reshape: reshape,
    kinds.Transpose: lambda form, kind: form.finish("Transpose", form.inputs[0], perm=kind.permutation),
    kinds.ChannelShuffle: channel_shuffle,
    kinds.ConcatShuffleSplit: concat_shuffle_split,
    kinds.Pad: lambda form, kind: form.finish(
        "Pad", form.inputs[0], form.integers(*kind.before, *kind.after), form.array(kind.value)
    ),
    kinds.Identity: plain("Identity"),
}

ACTIVATIONS: dict[Function, Callable[[Form, str], None]] = {
    "relu": lambda form, x: form.finish("Relu", x),
    "relu6": lambda form, x: form.finish("Clip", x, form.number(0.0), form.number(6.0)),
    "hard_sigmoid": lambda form, x: form.finish("HardSigmoid", x, alpha=1 / 6, beta=0.5),
    "hard_swish": hard_swish,
    "sigmoid": lambda form, x: form.finish("Sigmoid", x),
    "silu": lambda form, x: form.finish("Mul", x, form.add("Sigmoid", x)),
    "tanh": lambda form, x: form.finish("Tanh", x),
    "gelu": gelu,
    "erf": lambda form, x: form.finish("Erf", x),
    "elu": lambda form, x: form.finish("Elu", x),
    "softplus": lambda form, x: form.finish("Softplus", x),
}
