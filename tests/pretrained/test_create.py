from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from featherlight.errors import BadInput
from featherlight.layers import Network
from featherlight.models import entry
from featherlight.pretrained import catalogue, convert_state_dict, create_model, save, twin
from featherlight.pretrained import create as room
from featherlight.spec import small_images, total_stride


def test_a_plain_name_builds_the_registered_network() -> None:
    model = create_model("mobilenet_v2", width=0.35, num_classes=10, in_chans=1, drop_rate=0.2)
    assert model.spec == entry("mobilenet_v2").build(width=0.35)
    assert model.architecture == "mobilenet_v2"
    assert model.eval()(torch.zeros(1, 1, 64, 64)).shape == (1, 10)
    assert model.drop_rate == 0.2


def test_none_counts_as_not_given() -> None:
    model = create_model(
        "squeezenet_1_1", num_classes=None, in_chans=None, drop_rate=None, global_pool=None, width=None
    )
    assert model.spec == entry("squeezenet_1_1").build()
    assert (model.num_classes, model.in_chans, model.global_pool) == (1000, 3, "avg")


def test_a_zoos_name_builds_the_same_network_as_the_zoos() -> None:
    model = create_model("timm:mobilenetv3_small_050", num_classes=0)
    assert model.spec == twin("timm:mobilenetv3_small_050").spec
    assert model.eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 1024)


@pytest.mark.parametrize(("size", "small"), [(28, True), (64, True), (65, False), (224, False)])
def test_small_images_get_small_strides(size: int, small: bool) -> None:
    model = create_model("shufflenet_v2", width=0.25, size=size)
    assert total_stride(model.spec) == (8 if small else 32)
    if small:
        assert model.spec == small_images(entry("shufflenet_v2").build(width=0.25))


def test_features_only_gives_maps() -> None:
    model = create_model("mobilenet_v3_small", features_only=True, out_indices=(1, 3))
    assert [tuple(found.shape[2:]) for found in model.eval()(torch.zeros(1, 3, 64, 64))] == [(16, 16), (4, 4)]


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("mobilenet_v9", {}, r"'mobilenet_v9' matches no network \(nearest: mobilenet_v"),
        ("timm:mobilenetv2_10", {}, r"nearest: timm:mobilenetv2_1"),
        ("zoo:thing", {}, r"'zoo:thing' matches no network and is no folder or file here"),
        ("mobilenet_v2.ra5", {}, r"weights must be a known name; got 'mobilenet_v2.ra5'"),
        ("mobilenetv2_100", {}, r"'mobilenetv2_100' matches no network \(nearest: .*timm:mobilenetv2_100"),
        (
            "mobilenet_v2",
            {"widht": 0.5},
            r"no argument widht \(nearest: width\); it has width, .* num_classes, in_chans",
        ),
        ("mobilenet_v2", {"width": -1}, r"width must be a number above 0"),
        ("timm:mobilenetv2_100", {"width": 0.5}, r"timm:mobilenetv2_100 has no argument width; it has pretrained"),
        ("mobilenet_v2", {"size": 0}, r"size must be a whole number of at least 1"),
        ("mobilenet_v2", {"num_classes": -1}, r"num_classes must be"),
        ("local-dir:/nowhere", {}, r"/nowhere is not a folder"),
        ("local-dir:/nowhere", {"width": 0.5}, r"local-dir:/nowhere has no argument width; it has pretrained"),
    ],
)
def test_what_cannot_be_built_is_one_sentence(name: str, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        create_model(name, **arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("mobilenet_v2", {"width": 0.6}, r"no public weights .*; there are: torchvision:mobilenet_v2.tv_in1k, .*timm:"),
        ("shufflenet_v2_se", {}, r"no public weights are known for shufflenet_v2_se .*; there are none"),
        ("timm:mobilenetv2_035", {}, r"no public weights are known for timm:mobilenetv2_035"),
    ],
)
def test_where_no_weights_are_known_those_that_are_get_listed(name: str, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        create_model(name, pretrained=True, **arguments)


def of_zoo(name: str) -> tuple[Network, dict[str, torch.Tensor]]:
    """A network with weights at random, and the same weights as its zoo would publish them."""
    torch.manual_seed(0)
    zoo = name.partition(":")[0]
    network = Network(twin(name).spec, architecture=name).eval()
    return network, convert_state_dict(network.state_dict(), network, to=zoo)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Network]:
    """Networks whose weights the catalogue knows, served from files instead of from the net."""
    networks = {}
    for name in ("timm:mobilenetv3_small_050", "torchvision:shufflenet_v2_x0_5"):
        networks[name], tensors = of_zoo(name)
        safetensors.torch.save_file({k: v.contiguous() for k, v in tensors.items()}, tmp_path / name.replace(":", "_"))

    def fetch(weights: catalogue.Weights, *_: object) -> Path:
        return tmp_path / weights.network.replace(":", "_")

    monkeypatch.setattr(room, "fetch", fetch)
    return networks


IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("name", "arguments", "network"),
    [
        ("timm:mobilenetv3_small_050", {}, "timm:mobilenetv3_small_050"),
        ("timm:mobilenetv3_small_050.lamb_in1k", {}, "timm:mobilenetv3_small_050"),
        ("torchvision:shufflenet_v2_x0_5", {}, "torchvision:shufflenet_v2_x0_5"),
        ("shufflenet_v2", {"width": 0.5}, "torchvision:shufflenet_v2_x0_5"),
        ("shufflenet_v2.tv_in1k", {"width": 0.5}, "torchvision:shufflenet_v2_x0_5"),
    ],
)
def test_published_weights_mean_the_same_here(
    published: dict[str, Network], name: str, arguments: dict[str, Any], network: str
) -> None:
    model = create_model(name, pretrained=True, **arguments).eval()
    with torch.no_grad():
        assert torch.equal(model(IMAGES), published[network](IMAGES))


def test_a_tag_alone_loads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "fetch", lambda *_: pytest.fail("weights were fetched"))
    create_model("shufflenet_v2.tv_in1k", width=0.5)


def test_other_classes_keep_the_body_and_get_a_fresh_classifier(published: dict[str, Network]) -> None:
    whole = published["torchvision:shufflenet_v2_x0_5"]
    model = create_model("shufflenet_v2", pretrained=True, width=0.5, num_classes=7).eval()
    with torch.no_grad():
        assert torch.equal(model.forward_features(IMAGES), whole.forward_features(IMAGES))
        assert model(IMAGES).shape == (2, 7)
    headless = create_model("shufflenet_v2", pretrained=True, width=0.5, num_classes=0).eval()
    with torch.no_grad():
        assert torch.equal(headless(IMAGES), whole.forward_head(whole.forward_features(IMAGES), pre_logits=True))


def test_grey_images_small_images_and_maps_take_the_same_weights(published: dict[str, Network]) -> None:
    whole = published["torchvision:shufflenet_v2_x0_5"]
    grey = create_model("shufflenet_v2", pretrained=True, width=0.5, in_chans=1).eval()
    maps = create_model("shufflenet_v2", pretrained=True, width=0.5, features_only=True, out_indices=(-1,)).eval()
    small = create_model("shufflenet_v2", pretrained=True, width=0.5, size=28).eval()
    image = IMAGES[:, :1]
    with torch.no_grad():
        assert torch.allclose(grey(image), whole(image.expand(-1, 3, -1, -1)), atol=1e-4)
        assert torch.equal(maps(IMAGES)[0], whole.forward_features(IMAGES))
    classifier = "head.classifier.weight"
    assert torch.equal(small.state_dict()[classifier], whole.state_dict()[classifier])
    assert total_stride(small.spec) == 8


def test_weights_that_the_size_has_no_place_for_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(entry("squeezenet_1_0").build(), architecture="squeezenet_1_0")
    safetensors.torch.save_file(network.state_dict(), tmp_path / "weights")
    monkeypatch.setattr(room, "fetch", lambda *_: tmp_path / "weights")
    with pytest.raises(BadInput, match=r"does not fit: .*rows\.0\.conv\.weight .*\[96, 3, 7, 7\].*\[96, 3, 3, 3\]"):
        create_model("squeezenet_1_0", pretrained=True, size=28)


def test_weights_of_another_network_load_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, tensors = of_zoo("timm:mobilenetv3_small_050")
    safetensors.torch.save_file({k: v.contiguous() for k, v in tensors.items()}, tmp_path / "weights")
    monkeypatch.setattr(room, "fetch", lambda *_: tmp_path / "weights")
    with pytest.raises(BadInput, match=r"weights does not fit: .* missing: .* unexpected: "):
        create_model("mobilenet_v2", pretrained=True)


@pytest.mark.parametrize("content", [{"state_dict": {1: torch.ones(1)}}, {"state_dict": {}}, {"epoch": "ten"}, {}])
def test_a_checkpoint_without_weights_is_one_sentence(
    content: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(content, tmp_path / "weights")
    monkeypatch.setattr(room, "fetch", lambda *_: tmp_path / "weights")
    with pytest.raises(BadInput, match="weights does not fit: "):
        create_model("squeezenet_1_1", pretrained=True)


def test_weights_that_are_not_finite_are_told_by_name(tmp_path: Path) -> None:
    model = create_model("shufflenet_v2", width=0.25, num_classes=2)
    model.state_dict()["head.classifier.bias"][1] = float("nan")
    save(tmp_path, model, label_names=["a", "b"], preprocessing={})
    with pytest.warns(
        UserWarning, match=r"model.safetensors holds weights that are not finite, in head.classifier.bias$"
    ):
        create_model(f"local-dir:{tmp_path}", pretrained=True)
