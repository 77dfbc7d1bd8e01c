"""ONNX Runtime computes from each kind's ONNX form what the reference computes."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest

from featherlight.graph import Builder, Kind, Tensor, evaluate, kinds, to_onnx
from featherlight.graph.activations import FUNCTIONS

MAP, MATRIX = (2, 4, 7, 6), (2, 6)

CASES: list[tuple[Kind, list[tuple[int, ...]]]] = [
    (kinds.Convolution((2, 1), (0, 1, 2, 0), (1, 2), 2), [MAP, (6, 2, 3, 3), (6,)]),
    (kinds.Convolution(groups=4), [MAP, (4, 1, 3, 3)]),
    (kinds.Linear(), [MATRIX, (3, 6), (3,)]),
    (kinds.Linear(), [MATRIX, (3, 6)]),
    (kinds.Linear(), [MAP, (3, 6), (3,)]),
    (kinds.Linear(), [MAP, (3, 6)]),
    (kinds.BatchNorm(1e-3), [MAP, (4,), (4,), (4,), (4,)]),
    (kinds.Clip(-0.5, 0.25), [MAP]),
    (kinds.Clip(-np.inf, 0.25), [MAP]),
    (kinds.Clip(-0.5, np.inf), [MAP]),
    (kinds.Softmax(1), [MAP]),
    (kinds.LogSoftmax(1), [MAP]),
    (kinds.LocalResponseNorm(3, 1e-2, 0.75, 2.0), [MAP]),
    (kinds.Quantize(0, 15), [MAP, (4, 1, 1), (4, 1, 1)]),
    (kinds.Add(), [MAP, (4, 1, 1)]),
    (kinds.Subtract(), [MAP, MAP]),
    (kinds.Multiply(), [MAP, (2, 4, 1, 1)]),
    (kinds.Divide(), [MAP, MAP]),
    (kinds.MaxPool((3, 2), (2, 2), (1, 0, 1, 1)), [MAP]),
    (kinds.MaxPool((3, 3), (1, 2), (0, 0, 0, 0), (2, 1)), [MAP]),
    (kinds.AveragePool((3, 3), (2, 2), (1, 1, 1, 0)), [MAP]),
    (kinds.AveragePool((3, 3), (2, 2), (1, 1, 1, 1), count_padding=True), [MAP]),
    (kinds.AdaptiveAveragePool((3, 4)), [MAP]),
    (kinds.AdaptiveAveragePool((9, 2)), [MAP]),
    (kinds.Mean((2, 3), keep_axes=True), [MAP]),
    (kinds.Mean((2, 3), keep_axes=False), [MAP]),
    (kinds.Mean((1,), keep_axes=True), [MATRIX]),
    (kinds.Concat(1), [MAP, MAP, MAP]),
    (kinds.Split(1, (1, 3)), [MAP]),
    (kinds.Slice(2, 1, 6, 2), [MAP]),
    (kinds.Reshape((2, 2, 2, 42)), [MAP]),
    (kinds.Transpose((0, 2, 1, 3)), [MAP]),
    (kinds.ChannelShuffle(2), [MAP]),
    (kinds.ConcatShuffleSplit(2, (3, 5)), [MAP, MAP]),
    (kinds.Pad((0, 0, 1, 0), (0, 1, 0, 2), -3.0), [MAP]),
    (kinds.Identity(), [MAP]),
]
CASES += [(kinds.Activation(function), [MAP]) for function in FUNCTIONS]


def test_each_kind_has_a_case() -> None:
    assert {type(kind) for kind, _ in CASES} == set(kinds.KINDS)


@pytest.mark.parametrize("opset", [13, 17, 18, 20])
@pytest.mark.parametrize(("kind", "shapes"), CASES, ids=lambda value: type(value).__name__)
def test_onnx_runtime_agrees(kind: Kind, shapes: list[tuple[int, ...]], opset: int) -> None:
    random = np.random.default_rng(1)
    builder = Builder()
    # Weights are constants, as they are in a network; two maps are both computed.
    values = [random.uniform(0.1, 1.0, shape).astype(np.float32) - (shape == MAP) * 0.5 for shape in shapes]
    names = [
        builder.input(f"in{i}", Tensor(value.shape))
        if i == 0 or value.shape == MAP
        else builder.constant(f"w{i}", value)
        for i, value in enumerate(values)
    ]
    inputs = [value for name, value in zip(names, values, strict=True) if name in builder.inputs]
    graph = builder.graph(builder.add(kind, names, "out"))
    session = ort.InferenceSession(to_onnx(graph, opset=opset).SerializeToString(), providers=["CPUExecutionProvider"])
    fed = {given.name: value for given, value in zip(session.get_inputs(), inputs, strict=True)}
    for result, expected in zip(session.run(None, fed), evaluate(graph, *inputs), strict=True):
        assert result.shape == expected.shape
        np.testing.assert_allclose(result, expected, rtol=2e-5, atol=2e-5)
