from __future__ import annotations

import pytest

from featherlight.errors import BadInput
from featherlight.models import entry, list_models, register


def test_names_match_a_wildcard_and_are_sorted_as_people_count() -> None:
    assert list_models("resnet*") == ["resnet18", "resnet34", "resnet50"]
    assert list_models("shufflenet_v1*")[-1] == "shufflenet_v1_g8"
    assert list_models("nothing*") == []


def test_an_unknown_name_answers_with_the_nearest() -> None:
    with pytest.raises(BadInput, match=r"model must be a known name; got 'mobilnet_v2' \(nearest: mobilenet_v2"):
        entry("mobilnet_v2")


def test_a_name_is_registered_once() -> None:
    with pytest.raises(BadInput, match="network 'alexnet' is registered already"):
        register(entry("alexnet"))


def test_an_argument_the_network_does_not_have_is_named() -> None:
    with pytest.raises(BadInput, match=r"resnet18 has no argument width \(it has: none\)"):
        entry("resnet18").build(width=0.5)
    with pytest.raises(BadInput, match=r"mobilenet_v2 has no argument expand \(it has: width, expansion"):
        entry("mobilenet_v2").build(expand=2)


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("squeezenet_1_0", {"downsampling": "never"}, "downsampling must be one of late, early; got 'never'"),
        ("squeezenet_1_0", {"share_3x3": 1.0}, "share_3x3 must be between 0 and 1; got 1.0"),
        ("mobilenet_v2", {"expansion": 0}, "expansion must be a whole number of at least 1; got 0"),
        ("shufflenet_v2", {"channels": (48, 96, 193)}, "channels must be three even numbers and one more"),
    ],
)
def test_an_argument_out_of_range_is_named(name: str, arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        entry(name).build(**arguments)
