from __future__ import annotations

import pytest

from featherlight.errors import BadInput
from featherlight.models import entry
from featherlight.pretrained.zoos import twin, zoo_names
from goldens import counts


def test_every_name_has_a_registered_architecture_and_its_family() -> None:
    for name in zoo_names():
        assert twin(name).family == entry(twin(name).architecture).family


def test_the_names_cover_the_fixtures() -> None:
    assert counts().keys() <= set(zoo_names())
    assert len(zoo_names()) == len(set(zoo_names()))


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("timm:mobilnetv2_100", "timm:mobilenetv2_100"),
        ("tim:mobilenetv2_100", "timm:mobilenetv2_100"),
        ("torchvision:shufflenet_v2", "torchvision:shufflenet_v2_x1_0"),
        ("mobilenetv2_100", "timm:mobilenetv2_100"),
        ("timm:", "timm:"),
        ("", ":"),
    ],
)
def test_an_unknown_name_answers_with_the_nearest(wrong: str, meant: str) -> None:
    with pytest.raises(BadInput, match=f"must be a known name; got {wrong!r} .*{meant}"):
        twin(wrong)


@pytest.mark.parametrize(
    ("name", "epsilon", "momentum"),
    [
        ("torchvision:mobilenet_v2", 1e-5, 0.1),
        ("torchvision:mobilenet_v3_small", 1e-3, 0.01),
        ("torchvision:mnasnet1_0", 1e-5, 1 - 0.9997),
        ("timm:mobilenetv3_small_100", 1e-5, 0.1),
        ("timm:tf_mobilenetv3_small_100", 1e-3, 0.1),
        ("pytorchcv:mobilenetv3_small_w1", 1e-5, 0.1),
    ],
)
def test_batch_norm_has_the_zoos_constants(name: str, epsilon: float, momentum: float) -> None:
    style = twin(name).spec.style
    assert (style.epsilon, style.momentum) == (epsilon, momentum)
