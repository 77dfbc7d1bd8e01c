"""The networks of the registry, thin and small: traced, exported, and still the same."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
import torch

from featherlight.cost import count
from featherlight.graph import check, evaluate, from_torch, to_onnx
from featherlight.layers import Network
from featherlight.models import entry

THIN = {"width": 0.25}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("alexnet", {}),
        ("resnet18", {}),
        ("squeezenet_1_0", {}),
        ("squeezenet_1_0_complex_bypass", {}),
        ("mobilenet_v1", THIN),
        ("shufflenet_v1_g3", THIN),
        ("shufflenet_v1_g8", THIN),
        ("mobilenet_v2", THIN),
        ("mobilenet_v3_large", THIN),
        ("mobilenet_v3_small_minimalistic", THIN),
        ("mnasnet_a1", THIN),
        ("mnasnet_small", THIN),
        ("shufflenet_v2", THIN),
        ("shufflenet_v2_se_residual", THIN),
    ],
)
def test_torch_the_reference_and_onnx_runtime_agree(name: str, arguments: dict[str, float]) -> None:
    torch.manual_seed(0)
    model = Network(entry(name).build(**arguments), num_classes=10).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = model(images)
    scale = float(expected.norm())
    graph = check(from_torch(model, (1, 3, 64, 64)))
    assert count(graph).parameters == sum(parameter.numel() for parameter in model.parameters())
    np.testing.assert_allclose(evaluate(graph, images[:1].numpy())[0], expected[:1], atol=1e-5 * scale)
    session = ort.InferenceSession(to_onnx(graph, dynamic_batch=True).SerializeToString())
    np.testing.assert_allclose(session.run(None, {"images": images.numpy()})[0], expected, atol=1e-5 * scale)


def test_features_only_gives_every_map() -> None:
    model = Network(entry("mobilenet_v2").build(width=0.25), features_only=True).eval()
    images = torch.randn(1, 3, 64, 64)
    graph = from_torch(model, (1, 3, 64, 64))
    session = ort.InferenceSession(to_onnx(graph, dynamic_batch=True).SerializeToString())
    with torch.no_grad():
        expected = model(images)
    for result, feature in zip(session.run(None, {"images": images.numpy()}), expected, strict=True):
        np.testing.assert_allclose(result, feature, rtol=1e-3, atol=1e-4)


def test_a_global_max_pool_is_known() -> None:
    model = Network(entry("mobilenet_v2").build(width=0.25), num_classes=10, global_pool="max").eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = model(images)
    result = evaluate(check(from_torch(model, (1, 3, 64, 64))), images.numpy())[0]
    np.testing.assert_allclose(result, expected, atol=1e-5 * float(expected.norm()))
