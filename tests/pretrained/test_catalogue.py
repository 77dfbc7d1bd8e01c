from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

import featherlight as fl
from featherlight.data import Preprocessing
from featherlight.models import entry
from featherlight.pretrained import Weights, label_names, list_weights, twin, zoo_names
from featherlight.pretrained.catalogue import Address, Package, Repository
from featherlight.pretrained.published import find, fits

ALL = list_weights()
EACH = pytest.mark.parametrize("weights", ALL, ids=[weights.name for weights in ALL])


@EACH
def test_each_row_is_for_a_network_that_is_known(weights: Weights) -> None:
    assert twin(weights.network).architecture == weights.architecture
    assert find(weights.name, {}).weights == weights


@EACH
def test_each_row_says_what_it_expects_and_reaches(weights: Weights) -> None:
    assert Preprocessing.from_config(weights.preprocessing).size == 224
    assert len(label_names(weights.label_names)) == 1000
    assert weights.license in ("bsd-3-clause", "apache-2.0", "mit")
    assert weights.top1 is None or 35 < weights.top1 < 85
    assert weights.top5 is None or 60 < weights.top5 < 98
    assert re.fullmatch(r"[a-z0-9_]+", weights.tag)


@EACH
def test_each_source_can_be_checked_by_a_public_digest_where_there_is_one(weights: Weights) -> None:
    for source in weights.sources:
        match source:
            case Package():
                assert re.fullmatch("sha256:[0-9a-f]{64}", source.digest)
            case Address(member=None):
                # The publishers put the first digits into the file's name.
                digits = source.digest.removeprefix("sha256:")
                assert re.fullmatch(rf"https://\S+-{digits}\.pth", source.url)
            case Address():
                assert re.fullmatch("sha1:[0-9a-f]{40}", source.digest)
                assert source.url.endswith(f"/{source.member}.zip")
                assert f"-{source.digest[5:13]}." in str(source.member)
            case Repository():
                assert source.digest is None or re.fullmatch("sha256:[0-9a-f]{64}", source.digest)
                assert source.repository == f"timm/{weights.name.removeprefix('timm:')}"


def test_names_are_taken_once_and_what_was_tried_is_here() -> None:
    assert max(Counter(weights.name for weights in ALL).values()) == 1
    assert [weights.name for weights in ALL if weights.tried] == ["torchvision:mobilenet_v2.tv_in1k"]


def test_weights_are_listed_by_their_name_or_by_the_networks() -> None:
    assert {weights.architecture for weights in list_weights("mobilenet_v2")} == {"mobilenet_v2"}
    assert {weights.network for weights in list_weights("mobilenet_v2")} > {"timm:mobilenetv2_050"}
    assert [weights.name for weights in list_weights("torchvision:alexnet*")] == ["torchvision:alexnet.tv_in1k"]
    assert list_weights("nothing*") == []


def test_the_classes_of_imagenet() -> None:
    names = label_names("imagenet-1k")
    assert (names[0], names[285], names[999]) == ("tench", "Egyptian cat", "toilet tissue")
    assert len(set(names)) == 1000


@pytest.mark.parametrize(
    ("architecture", "arguments", "network"),
    [
        ("mobilenet_v2", {}, "torchvision:mobilenet_v2"),  # of those that fit, the one that was tried
        ("mobilenet_v2", {"width": 0.5}, "timm:mobilenetv2_050"),
        ("mobilenet_v3_large", {}, "torchvision:mobilenet_v3_large"),
        ("mobilenet_v1", {}, "timm:mobilenetv1_100"),
        ("mobilenet_v1", {"width": 0.5, "activation": "relu"}, "pytorchcv:mobilenet_wd2"),
        ("shufflenet_v1_g3", {"width": 0.25}, "pytorchcv:shufflenet_g3_wd4"),
        ("shufflenet_v2", {"width": 2.0}, "torchvision:shufflenet_v2_x2_0"),
        ("mnasnet_a1", {}, "timm:semnasnet_100"),
        ("squeezenet_1_0_simple_bypass", {}, "pytorchcv:squeezeresnet_v1_0"),
    ],
)
def test_a_plain_name_finds_the_weights_of_an_equal_network(
    architecture: str, arguments: dict[str, object], network: str
) -> None:
    found = find(architecture, arguments).weights
    assert isinstance(found, Weights)
    assert found.network == network


def test_weights_fit_where_the_tables_are_equal_and_nowhere_else() -> None:
    (weights,) = list_weights("torchvision:mobilenet_v2.tv_in1k")
    assert fits(weights, entry("mobilenet_v2").build())
    assert not fits(weights, entry("mobilenet_v2").build(linear=False))
    assert not fits(weights, entry("mobilenet_v2").build(width=0.75))
    # timm's MobileNet v3 has another batch-norm constant than torchvision's: it would compute something else.
    (timm,) = list_weights("timm:mobilenetv3_large_100.ra_in1k")
    assert not fits(timm, entry("mobilenet_v3_large").build())


def test_the_networks_that_are_listed_as_pretrained_are_those_that_come_with_weights() -> None:
    assert fl.list_models("shufflenet_v2*", pretrained=True) == ["shufflenet_v2"]
    known = {weights.architecture for weights in ALL}
    assert fl.list_models(pretrained=True) == [name for name in fl.list_models() if name in known]


def test_the_readme_says_how_many_networks_of_other_zoos_there_are_and_for_how_many_weights_are_known() -> None:
    readme = " ".join((Path(__file__).parents[2] / "README.md").read_text("utf-8").split())
    known = {weights.network for weights in ALL}
    assert f"{len(zoo_names())} networks of torchvision, timm and pytorchcv can be built" in readme
    assert f"{len(known)} of them with public weights" in readme
