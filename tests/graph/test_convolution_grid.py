"""Convolutions where onnx's own suite is thin: every kernel, stride, dilation, grouping, padding and odd size.

Each is an ONNX model of one node, read by `from_onnx`, computed by the reference executor, and held against ONNX
Runtime, which shares no line with it.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from featherlight.graph import evaluate, from_onnx

KERNELS = ((1, 1), (3, 3), (5, 5), (7, 7), (3, 5), (7, 1))
STRIDES = ((1, 1), (2, 2), (3, 2))
DILATIONS = ((1, 1), (2, 2), (1, 3))
GROUPS = (1, 2, 6)  # of 6 channels: normal, grouped, depthwise
PADS = ((0, 0, 0, 0), (1, 1, 1, 1), (0, 0, 1, 1), (2, 0, 1, 3))  # top, left, bottom, right
SIZES = ((7, 7), (13, 9))
CHANNELS = 6


def model(kernel: tuple[int, int], groups: int, size: tuple[int, int], bias: bool, **attributes: Any) -> bytes:
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((12, CHANNELS // groups, *kernel)).astype(np.float32)
    constants = [helper.make_tensor("weight", TensorProto.FLOAT, weight.shape, weight.tobytes(), raw=True)]
    if bias:
        given = rng.standard_normal(12).astype(np.float32)
        constants.append(helper.make_tensor("bias", TensorProto.FLOAT, given.shape, given.tobytes(), raw=True))
    names = [constant.name for constant in constants]
    node = helper.make_node("Conv", ["x", *names], ["y"], group=groups, kernel_shape=kernel, **attributes)
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, CHANNELS, *size))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        constants,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_every_convolution_is_computed_as_onnx_runtime_computes_it(
    kernel: tuple[int, int], groups: int, size: tuple[int, int]
) -> None:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    images = np.random.default_rng(1).standard_normal((1, CHANNELS, *size)).astype(np.float32)
    computed = 0
    for index, (stride, dilation, pads) in enumerate(itertools.product(STRIDES, DILATIONS, PADS)):
        if any(size[i] + pads[i] + pads[i + 2] <= dilation[i] * (kernel[i] - 1) for i in (0, 1)):
            continue  # the kernel does not fit into the map
        given = model(kernel, groups, size, index % 2 == 0, strides=stride, dilations=dilation, pads=pads)
        session = ort.InferenceSession(given, options, providers=["CPUExecutionProvider"])
        (right,) = session.run(None, {"x": images})
        (value,) = evaluate(from_onnx(given), images)
        told = f"stride {stride}, dilation {dilation}, pads {pads}"
        assert value.shape == right.shape, told
        np.testing.assert_allclose(value, right, rtol=1e-4, atol=1e-4, err_msg=told)
        computed += 1
    assert computed >= len(PADS)


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize(("kernel", "stride"), list(itertools.product(((1, 1), (3, 3), (5, 5)), STRIDES)), ids=str)
def test_padding_by_name(auto_pad: str, kernel: tuple[int, int], stride: tuple[int, int]) -> None:
    for size in SIZES:
        given = model(kernel, 2, size, True, strides=stride, auto_pad=auto_pad)
        images = np.random.default_rng(2).standard_normal((1, CHANNELS, *size)).astype(np.float32)
        (right,) = ort.InferenceSession(given, providers=["CPUExecutionProvider"]).run(None, {"x": images})
        (value,) = evaluate(from_onnx(given), images)
        np.testing.assert_allclose(value, right, rtol=1e-4, atol=1e-4, err_msg=str(size))
