from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

from featherlight.data import Preprocessing
from featherlight.engines import ModuleSource
from featherlight.errors import BadInput
from featherlight.explain.network import find_network
from featherlight.graph import from_torch, to_onnx
from featherlight.layers import Network
from featherlight.models import entry
from featherlight.pretrained import create_model, save
from small_networks import small_networks


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A classifier of somebody else: without our metadata."""
    onnx.save(to_onnx(from_torch(small_networks()["fire"], (1, 3, 18, 22))), tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


def test_a_name_needs_no_weights_and_has_its_own_size() -> None:
    assert find_network("squeezenet_1_1").source.input_shape == (3, 224, 224)
    assert find_network("alexnet").source.input_shape == (3, entry("alexnet").size, entry("alexnet").size)
    assert find_network("timm:mobilenetv2_050").source.input_shape == (3, 224, 224)


def test_a_small_size_means_the_network_for_small_images() -> None:
    found = find_network("mobilenet_v2", size=32)
    assert found.preprocessing.size == 32
    assert isinstance(found.source, ModuleSource)
    assert isinstance(found.source.module, Network)
    assert found.source.module.spec == create_model("mobilenet_v2", size=32).spec


def test_a_folder_comes_with_its_weights(tmp_path: Path) -> None:
    model = create_model("squeezenet_1_1", num_classes=2, in_chans=1, size=28)
    names = ("cat", "dog")
    save(tmp_path, model, label_names=names, preprocessing=Preprocessing(28, (0.5,), (0.5,)).to_config())
    for name in (str(tmp_path), f"local-dir:{tmp_path}"):
        found = find_network(name)
        assert (found.name, found.source.input_shape) == (name, (1, 28, 28))
        assert isinstance(found.source, ModuleSource)
        for key, value in found.source.module.state_dict().items():
            assert torch.equal(value, model.state_dict()[key])


def test_a_file_needs_no_metadata(file: Path) -> None:
    found = find_network(file)
    assert (found.name, found.source.input_shape, found.preprocessing.size) == (str(file), (3, 18, 22), 22)


def test_a_module_has_the_shape_that_is_said() -> None:
    module = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU())
    found = find_network(module, input_shape=(2, 8, 9))
    assert (found.name, found.source.input_shape) == ("Sequential", (2, 8, 9))
    assert find_network(create_model("mobilenet_v1", in_chans=1), size=64).source.input_shape == (1, 64, 64)
    assert find_network(module, size=8).source.input_shape == (2, 8, 8)  # as its first convolution says
    assert find_network(nn.ReLU(), size=8).source.input_shape == (3, 8, 8)


@pytest.mark.parametrize(
    ("subject", "arguments", "sentence"),
    [
        ("mobilenet_v9", {}, r"^'mobilenet_v9' matches no network \(nearest: "),
        ("nowhere/net.onnx", {}, r"^nowhere/net.onnx cannot be read: No such file"),
        ("squeezenet_1_1", {"size": 0}, r"^size must be a whole number above 0; got 0$"),
        ("squeezenet_1_1", {"input_shape": (3, 8, 8)}, r"^input_shape goes with a torch module"),
        (nn.ReLU(), {"input_shape": (3, 8, 8), "size": 8}, r"^input_shape holds height and width already; got size 8"),
        (nn.ReLU(), {"input_shape": (3, 8)}, r"^input_shape must be channels, height and width, each above 0"),
        (".", {}, r"^\. holds no network, for it has no config\.json: name a folder that `featherlight fit`"),
    ],
)
def test_what_is_no_network_is_refused(
    subject: str | nn.Module,
    arguments: dict[str, object],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=sentence):
        find_network(subject, **arguments)  # type: ignore[arg-type]


def test_a_file_of_another_size_is_refused(file: Path) -> None:
    with pytest.raises(BadInput, match=r"net\.onnx takes images of 18x22; got size 24$"):
        find_network(file, size=24)
