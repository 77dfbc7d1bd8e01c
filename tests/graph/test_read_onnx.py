"""ONNX models become graphs of the same values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from featherlight.errors import BadInput
from featherlight.graph import check, evaluate, from_onnx, from_spec, kinds, to_onnx
from featherlight.models import entry, list_models

Array = npt.NDArray[Any]


def model_of(
    nodes: Sequence[NodeProto],
    shape: Sequence[int | str | None],
    constants: dict[str, Array] | None = None,
    *,
    opset: int = 17,
    dtype: int = TensorProto.FLOAT,
) -> ModelProto:
    """A model from "x" to the last node's outputs."""
    return helper.make_model(
        helper.make_graph(
            list(nodes),
            "graph",
            [helper.make_tensor_value_info("x", dtype, shape)],
            [helper.make_empty_tensor_value_info(name) for name in nodes[-1].output],
            [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=8,
    )


def runtime(model: ModelProto, *images: Array) -> list[Array]:
    """What ONNX Runtime computes."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    results: list[Array] = session.run(None, dict(zip(names, images, strict=True)))
    return results


def ours(model: ModelProto, *images: Array) -> tuple[Array, ...]:
    """What the reference computes."""
    return evaluate(check(from_onnx(model)), *images)


def agree(model: ModelProto, *images: Array) -> None:
    for result, expected in zip(ours(model, *images), runtime(model, *images), strict=True):
        assert result.shape == expected.shape
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)


def random(*shape: int) -> Array:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("name", list_models())
def test_a_network_comes_back_from_onnx(name: str) -> None:
    arguments = {"width": 0.25} if len(entry(name).widths) > 1 else {}
    graph = from_spec(entry(name).build(**arguments), (1, 3, 64, 64), num_classes=10)
    back = check(from_onnx(to_onnx(graph, dynamic_batch=True)))
    images = random(1, 3, 64, 64)
    (expected,) = evaluate(graph, images)
    np.testing.assert_allclose(evaluate(back, images)[0], expected, atol=1e-6 * float(np.linalg.norm(expected)))
    if name != "alexnet":  # its adaptive pool has no operator in ONNX and becomes matrix products
        assert [type(op.kind) for op in back.ops] == [type(op.kind) for op in graph.ops]


SIDES = st.sampled_from([1, 5, 7, 9, 13])
KERNELS = st.sampled_from([1, 3, 5, 7])
SMALL = st.integers(1, 3)
PADS = st.lists(st.integers(0, 3), min_size=4, max_size=4)
AUTO = st.sampled_from(["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"])


@settings(max_examples=150, deadline=None)
@given(
    groups=st.sampled_from([1, 2, 4]),
    depthwise=st.booleans(),
    side=st.tuples(SIDES, SIDES),
    kernel=st.tuples(KERNELS, KERNELS),
    stride=st.tuples(SMALL, SMALL),
    dilation=st.tuples(SMALL, SMALL),
    pads=PADS,
    auto_pad=AUTO,
)
def test_convolution_geometry(
    groups: int,
    depthwise: bool,
    side: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    pads: list[int],
    auto_pad: str,
) -> None:
    frame = pads if auto_pad == "NOTSET" else [0] * 4
    if not auto_pad.startswith("SAME"):
        assume(all(s + frame[i] + frame[i + 2] > dilation[i] * (kernel[i] - 1) for i, s in enumerate(side)))
    elif dilation != (1, 1):
        dilation = (1, 1)  # ONNX Runtime refuses the two together
    channels = groups if depthwise else 4
    own: dict[str, Any] = {"pads": pads} if auto_pad == "NOTSET" else {}
    node = helper.make_node(
        "Conv", ["x", "w", "b"], ["y"], strides=stride, dilations=dilation, group=groups, auto_pad=auto_pad, **own
    )
    constants = {"w": random(2 * channels, channels // groups, *kernel), "b": random(2 * channels)}
    agree(model_of([node], (2, channels, *side), constants), random(2, channels, *side))


@settings(max_examples=150, deadline=None)
@given(
    average=st.booleans(),
    side=st.tuples(SIDES, SIDES),
    kernel=st.tuples(SMALL, SMALL),
    stride=st.tuples(SMALL, SMALL),
    data=st.data(),
    auto_pad=AUTO,
    ceil_mode=st.integers(0, 1),
    count=st.integers(0, 1),
)
def test_pool_geometry(
    average: bool,
    side: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    data: st.DataObject,
    auto_pad: str,
    ceil_mode: int,
    count: int,
) -> None:
    own: dict[str, Any] = {"auto_pad": auto_pad}
    frame = [0] * 4
    if auto_pad == "NOTSET":
        frame = [data.draw(st.integers(0, k - 1)) for k in kernel * 2]  # runtimes want less than the kernel
        own = {"pads": frame, "ceil_mode": ceil_mode}
    if not auto_pad.startswith("SAME"):
        assume(all(s + frame[i] + frame[i + 2] >= kernel[i] for i, s in enumerate(side)))
    else:  # where a window skips elements, ONNX Runtime comes to less padding than none
        assume(all(k >= s for k, s in zip(kernel, stride, strict=True)))
    if average:
        own["count_include_pad"] = count
    node = helper.make_node(
        "AveragePool" if average else "MaxPool", ["x"], ["y"], kernel_shape=kernel, strides=stride, **own
    )
    agree(model_of([node], (1, 2, *side), opset=19), random(1, 2, *side))


def node(operator: str, inputs: str, outputs: str = "y", **attributes: Any) -> NodeProto:
    return helper.make_node(operator, inputs.split(), outputs.split(), **attributes)


def integers(*values: int) -> Array:
    return np.array(values, np.int64)


NUMBERS = {
    "low": np.array(-0.25, np.float32),
    "high": np.array(6, np.float32),
    "slope": np.full((4, 1, 1), 0.1, np.float32),
}

FORMS: dict[str, tuple[list[NodeProto], dict[str, Array], int]] = {
    "clip by attributes": ([node("Clip", "x", min=0.0, max=6.0)], {}, 7),
    "clip below": ([node("Clip", "x low")], NUMBERS, 13),
    "leaky relu": ([node("LeakyRelu", "x", alpha=0.3)], {}, 13),
    "prelu": ([node("PRelu", "x slope")], NUMBERS, 13),
    "elu": ([node("Elu", "x")], {}, 13),
    "elu of its own slope": ([node("Elu", "x", alpha=0.3)], {}, 13),
    "selu": ([node("Selu", "x")], {}, 13),
    "selu of its own slope": ([node("Selu", "x", alpha=0.3, gamma=2.0)], {}, 13),
    "celu": ([node("Celu", "x", alpha=0.7)], {}, 13),
    "softplus": ([node("Softplus", "x")], {}, 13),
    "mish": ([node("Mish", "x")], {}, 18),
    "gelu by tanh": ([node("Gelu", "x", approximate="tanh")], {}, 20),
    "hard sigmoid of its own slope": ([node("HardSigmoid", "x")], {}, 13),
    "hard sigmoid": ([node("HardSigmoid", "x", alpha=1 / 6)], {}, 13),
    "softmax over all from an axis on": ([node("Softmax", "x", axis=1)], {}, 11),
    "softmax by default": ([node("Softmax", "x")], {}, 12),
    "log softmax": ([node("LogSoftmax", "x", axis=1)], {}, 13),
    "lrn": ([node("LRN", "x", size=3, alpha=0.1)], {}, 13),
    "matrix from the right": ([node("MatMul", "x w")], {"w": random(6, 3)}, 13),
    "matrix from the left": ([node("MatMul", "w x")], {"w": random(3, 5)}, 13),
    "mean over negative axes": ([node("ReduceMean", "x", axes=[-1, 1], keepdims=0)], {}, 13),
    "sum": ([node("ReduceSum", "x axes")], {"axes": integers(2, 3)}, 13),
    "pad by axes": ([node("Pad", "x p low a")], {"p": integers(1, 2), "a": integers(-1), **NUMBERS}, 18),
    "pad by attributes": ([node("Pad", "x", pads=[0, 0, 1, 2, 0, 0, 0, 1], value=1.5)], {}, 10),
    "split in three, the last smaller": ([node("Split", "x", "a b c", axis=3, num_outputs=3)], {}, 18),
    "slice by attributes": ([node("Slice", "x", starts=[1, -3], ends=[9, -1], axes=[1, 3])], {}, 9),
    "every second": ([node("Gather", "x i", axis=1)], {"i": integers(0, 2)}, 13),
    "one": ([node("Gather", "x i", axis=2)], {"i": np.array(-1)}, 13),
    "larger than a number": ([node("Max", "low x")], NUMBERS, 13),
    "negative square": ([node("Mul", "x x", "s"), node("Neg", "s")], {}, 13),
    "sum of three": ([node("Sum", "x x slope")], NUMBERS, 13),
    "transpose by default": ([node("Transpose", "x")], {}, 13),
    "max pool over a line": (
        [node("Reshape", "x s", "l"), node("MaxPool", "l", kernel_shape=[3])],
        {"s": integers(2, 4, 30)},
        13,
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_onnx_runtime_agrees(form: str) -> None:
    nodes, constants, opset = FORMS[form]
    agree(model_of(nodes, (2, 4, 5, 6), constants, opset=opset), random(2, 4, 5, 6))


def test_shapes_are_computed_while_reading() -> None:
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n"),
        node("Unsqueeze", "n axes", "first"),
        node("Cast", "first", "float", to=TensorProto.FLOAT),
        node("Div", "float half", "twice"),
        node("Cast", "twice", "whole", to=TensorProto.INT64),
        node("Concat", "whole rest", "shape", axis=0),
        node("Reshape", "x shape", "y"),
    ]
    constants = {"zero": np.array(0), "axes": integers(0), "half": np.array([0.5], np.float32), "rest": integers(-1, 6)}
    model = model_of(nodes, ("batch", 4, 5, 6), constants)
    graph = check(from_onnx(model, batch=3))
    assert [op.kind for op in graph.ops] == [kinds.Reshape((6, 10, 6))]
    assert not graph.constants
    agree(model_of(nodes, (2, 4, 5, 6), constants), random(2, 4, 5, 6))


def test_weights_read_twice_stand_once() -> None:
    nodes = [node("Mul", "x w", "a"), node("Add", "a w", "b"), node("Conv", "b k", "c"), node("Conv", "c k", "y")]
    graph = from_onnx(
        model_of(nodes, (1, 4, 5, 6), {"w": random(4, 1, 1), "k": random(4, 4, 1, 1), "unused": random(9)})
    )
    assert graph.constants.keys() == {"w", "k"}
    assert [op.origin for op in graph.ops] == [""] * 4


def quantised(dtype: type[np.generic]) -> ModelProto:
    """Quantised input, a convolution of whole numbers with a scale each channel, and back."""
    zero = np.array(3, dtype)
    weight = np.random.default_rng(1).integers(-20, 20, (6, 4, 3, 3)).astype(np.int8)
    constants: dict[str, Array] = {
        "xs": np.array(0.05, np.float32),
        "xz": zero,
        "w": weight,
        "ws": np.linspace(0.01, 0.03, 6, dtype=np.float32),
        "wz": np.zeros(6, np.int8),
        "ys": np.array(0.11, np.float32),
        "yz": zero,
        "b": np.arange(6, dtype=np.int32),
    }
    nodes = [
        node("QuantizeLinear", "x xs xz", "q"),
        node("QLinearConv", "q xs xz w ws wz ys yz b", "c", pads=[1, 1, 1, 1]),
        node("MaxPool", "c", "m", kernel_shape=[2, 2]),
        node("DequantizeLinear", "m ys yz"),
    ]
    return model_of(nodes, (2, 4, 7, 6), constants)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_whole_numbers_that_stand_for_real_ones(dtype: type[np.generic]) -> None:
    model, images = quantised(dtype), random(2, 4, 7, 6)
    (expected,) = runtime(model, images)
    difference = np.abs(ours(model, images)[0] - expected)
    assert difference.max() <= 0.11 + 1e-6  # one step, where float32 rounds a half to the other side
    assert (difference > 1e-5).mean() < 0.01


def test_dequantised_weights_become_weights() -> None:
    nodes = [node("DequantizeLinear", "q s z", "w", axis=0), node("Conv", "x w")]
    q = np.random.default_rng(1).integers(-128, 127, (3, 4, 1, 1)).astype(np.int8)
    constants: dict[str, Array] = {
        "q": q,
        "s": np.array([0.1, 0.2, 0.3], np.float32),
        "z": np.array([100, -100, 0], np.int8),
    }
    model = model_of(nodes, (1, 4, 5, 6), constants)
    assert [type(op.kind) for op in from_onnx(model).ops] == [kinds.Convolution]
    agree(model, random(1, 4, 5, 6))


def test_an_open_batch_is_what_the_caller_says() -> None:
    model = model_of([node("Relu", "x")], ("batch", 3, 5, 5))
    assert from_onnx(model).tensors["x"].shape == (1, 3, 5, 5)
    assert from_onnx(model, batch=4).tensors["y"].shape == (4, 3, 5, 5)
    with pytest.raises(BadInput, match="batch must be 2, which the model fixes for input 'x'; got 4"):
        from_onnx(model_of([node("Relu", "x")], (2, 3, 5, 5)), batch=4)
    with pytest.raises(BadInput, match="batch must be a whole number above 0; got 0"):
        from_onnx(model, batch=0)


def test_other_open_sizes_are_named() -> None:
    with pytest.raises(BadInput, match=r"fixed sizes but for the batch; got height \(axis 2 of 'x'\), \? \(axis 3"):
        from_onnx(model_of([node("Relu", "x")], ("batch", 3, "height", None)))


def test_files_bytes_and_models_are_read_alike(tmp_path: Path) -> None:
    model = model_of([node("Add", "x b")], (1, 4, 5, 6), {"b": random(4, 5, 6)})
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    beside = tmp_path / "beside.onnx"
    onnx.save(onnx.load(path), beside, save_as_external_data=True, location="weights.bin", size_threshold=0)
    for source in (path, str(path), path.read_bytes(), model, beside):
        np.testing.assert_allclose(
            evaluate(from_onnx(source), random(1, 4, 5, 6))[0], random(1, 4, 5, 6) + random(4, 5, 6)
        )
