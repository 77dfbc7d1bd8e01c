from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from torch import Tensor, nn

from featherlight.errors import BadInput
from featherlight.graph import Builder, evaluate, from_torch, kinds, to_onnx
from featherlight.graph import Tensor as TensorRecord
from small_networks import small_networks


def run(model: onnx.ModelProto, *images: np.ndarray) -> list[np.ndarray]:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]
    results: list[np.ndarray] = session.run(None, dict(zip(names, images, strict=True)))
    return results


@pytest.mark.parametrize("name", small_networks())
def test_onnx_runtime_agrees_with_torch_at_any_batch(name: str) -> None:
    model = small_networks()[name]
    exported = to_onnx(from_torch(model, (1, 3, 18, 22)), dynamic_batch=True)
    for batch in (1, 3):
        images = torch.randn(batch, 3, 18, 22)
        with torch.no_grad():
            np.testing.assert_allclose(run(exported, images.numpy())[0], model(images), rtol=1e-4, atol=1e-5)


def sizes(value: onnx.ValueInfoProto) -> list[int | str]:
    return [dimension.dim_param or dimension.dim_value for dimension in value.type.tensor_type.shape.dim]


@pytest.mark.parametrize(("dynamic", "first"), [(True, "batch"), (False, 2)])
def test_names_sizes_and_metadata(dynamic: bool, first: int | str) -> None:
    graph = from_torch(small_networks()["shuffle unit"], (2, 3, 18, 22))
    model = to_onnx(graph, metadata={"mean": "0.5", "labels": "cat\ndog"}, dynamic_batch=dynamic)
    (images,), (logits,) = model.graph.input, model.graph.output
    assert (images.name, sizes(images)) == ("images", [first, 3, 18, 22])
    assert (logits.name, sizes(logits)) == ("logits", [first, 5])
    assert {each.key: each.value for each in model.metadata_props} == {"mean": "0.5", "labels": "cat\ndog"}
    assert model.graph.node[0].name == "body.0.0/conv2d"
    assert {each.name for each in model.graph.initializer} >= {"body.0.0.weight", "fc.bias"}


def test_the_oldest_readers_of_an_opset_can_read_it() -> None:
    model = to_onnx(from_torch(nn.ReLU(), (1, 2)), opset=13)
    assert (model.opset_import[0].version, model.ir_version) == (13, 7)


@pytest.mark.parametrize("opset", [12, 10_000])
def test_an_opset_out_of_range_is_refused(opset: int) -> None:
    with pytest.raises(BadInput, match=f"opset must be from 13 to [0-9]+; got {opset}"):
        to_onnx(from_torch(nn.ReLU(), (1, 2)), opset=opset)


class Mixes(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(-1)


def test_an_open_batch_is_refused_to_a_network_that_mixes_its_images() -> None:
    graph = from_torch(Mixes(), (2, 3))
    to_onnx(graph)
    with pytest.raises(BadInput, match="must have one row an image"):
        to_onnx(graph, dynamic_batch=True)


def test_outputs_may_be_inputs_constants_or_the_same_twice() -> None:
    builder = Builder()
    x, y = builder.input("logits_1", TensorRecord((1, 2))), builder.input("y", TensorRecord((1, 2)))
    half = builder.constant("half", np.full((1, 2), 0.5, np.float32))
    (total,) = builder.add(kinds.Add(), [x, y], "images_0")
    graph = builder.graph([x, total, half, total])
    model = to_onnx(graph)
    assert [each.name for each in model.graph.input] == ["images_0", "images_1"]
    assert [each.name for each in model.graph.output] == ["logits_0", "logits_1", "logits_2", "logits_3"]
    images = [np.array([[1, 2]], np.float32), np.array([[3, 5]], np.float32)]
    for result, expected in zip(run(model, *images), evaluate(graph, *images), strict=True):
        np.testing.assert_array_equal(result, expected)


def test_double_precision_becomes_single() -> None:
    model = nn.Linear(2, 3).double()
    exported = to_onnx(from_torch(model, (1, 2)))
    assert {each.data_type for each in exported.graph.initializer} == {onnx.TensorProto.FLOAT}


@pytest.mark.parametrize("value", [0.0, -2.0, -np.inf, np.inf])
def test_a_pad_keeps_its_value(value: float) -> None:
    builder = Builder()
    x = builder.input("x", TensorRecord((1, 1, 2, 2)))
    graph = builder.graph(builder.add(kinds.Pad((0, 0, 1, 0), (0, 0, 0, 2), value), [x], "pad"))
    image = np.ones((1, 1, 2, 2), np.float32)
    np.testing.assert_array_equal(run(to_onnx(graph), image)[0], evaluate(graph, image)[0])
