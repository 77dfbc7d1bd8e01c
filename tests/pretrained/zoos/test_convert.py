from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from featherlight.errors import BadInput
from featherlight.layers import Network
from featherlight.models.mobilenet_v2 import mobilenet_v2
from featherlight.models.mobilenet_v3 import mobilenet_v3
from featherlight.pretrained.zoos import ZOOS, convert_state_dict, load_state_dict, twin, zoo_names
from goldens import state_dict


def one_a_layout() -> list[str]:
    """A name of each zoo and family."""
    return list({(name.partition(":")[0], twin(name).family): name for name in zoo_names()}.values())


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def small(**arguments: Any) -> Network:
    """A thin MobileNet v2 under its plain name."""
    return Network(mobilenet_v2(0.1), architecture="mobilenet_v2", **arguments)


def thin_v3() -> Network:
    return Network(mobilenet_v3("small", 0.25), num_classes=7, architecture="mobilenet_v3_small")


@cache
def converted(zoo: str | None) -> tuple[Network, dict[str, Tensor]]:
    """A network and its weights in a zoo's layout."""
    with torch.device("meta"):
        model = thin_v3()
    return model, convert_state_dict(model.state_dict(), model, to=zoo)


@pytest.mark.parametrize("name", one_a_layout())
def test_ours_to_the_zoos_and_back_is_the_same(name: str) -> None:
    model = Network(twin(name).spec, architecture=name)
    ours = model.state_dict()
    theirs = convert_state_dict(ours, model, to=name.partition(":")[0])
    assert theirs.keys() != ours.keys()
    assert equal(convert_state_dict(theirs, model), ours)


@pytest.mark.parametrize("zoo", ZOOS)
def test_a_plain_name_has_the_layouts_of_every_zoo_at_any_width(zoo: str) -> None:
    model = small(num_classes=5)
    theirs = convert_state_dict(model.state_dict(), model, to=zoo)
    other = small(num_classes=5)
    assert not equal(other.state_dict(), model.state_dict())
    load_state_dict(other, theirs)
    assert equal(other.state_dict(), model.state_dict())


def test_one_zoos_layout_becomes_anothers() -> None:
    model = thin_v3()
    timm = convert_state_dict(model.state_dict(), model, to="timm")
    torchvision = convert_state_dict(timm, model, to="torchvision")
    assert equal(torchvision, convert_state_dict(model.state_dict(), model, to="torchvision"))


def test_a_fully_connected_layer_is_a_pointwise_convolution_where_the_zoo_has_one() -> None:
    model = thin_v3()
    ours, timm = model.state_dict(), convert_state_dict(model.state_dict(), model, to="timm")
    assert timm["conv_head.weight"].shape == (*ours["head.hidden.0.weight"].shape, 1, 1)
    assert timm["classifier.weight"].shape == ours["head.classifier.weight"].shape


def test_our_own_layout_passes_unchanged_with_and_without_an_architecture() -> None:
    for model in (small(), Network(mobilenet_v2(0.1))):
        assert equal(convert_state_dict(model.state_dict(), model), model.state_dict())


def test_the_count_of_batches_may_be_absent() -> None:
    model, other = small(), small()
    theirs = convert_state_dict(model.state_dict(), model, to="timm")
    counted = {name for name in theirs if name.endswith("num_batches_tracked")}
    assert counted
    load_state_dict(other, {name: tensor for name, tensor in theirs.items() if name not in counted})
    assert equal(other.state_dict(), model.state_dict())


def test_the_input_is_left_as_it_is() -> None:
    given = state_dict("timm:mobilenetv3_small_050")
    before = {name: tensor.clone() for name, tensor in given.items()}
    model = Network(twin("timm:mobilenetv3_small_050").spec, architecture="timm:mobilenetv3_small_050")
    load_state_dict(model, {"state_dict": {f"module.{name}": tensor for name, tensor in given.items()}})
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert equal(given, before)


def test_a_misfit_lists_every_tensor_and_loads_nothing() -> None:
    model = small(num_classes=5)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    theirs = {name: tensor + 1 for name, tensor in convert_state_dict(before, model, to="timm").items()}
    theirs["surprise.weight"], theirs["another"] = torch.ones(2), torch.ones(2)
    del theirs["bn1.bias"], theirs["classifier.bias"]
    theirs["classifier.weight"] = torch.ones(3, 1280)
    theirs["conv_stem.weight"] = torch.ones(8, 1, 3, 3)
    with pytest.raises(BadInput) as raised:
        load_state_dict(model, theirs)
    assert str(raised.value) == (
        "state dict must fit mobilenet_v2 in timm's layout; 2 missing: bn1.bias, classifier.bias; "
        "2 unexpected: surprise.weight, another; 2 of another shape: "
        "conv_stem.weight [8, 1, 3, 3] where the model has [8, 3, 3, 3], "
        "classifier.weight [3, 1280] where the model has [5, 1280]"
    )
    assert equal(model.state_dict(), before)


@given(st.data())
def test_whatever_is_taken_away_is_named(data: st.DataObject) -> None:
    zoo = data.draw(st.sampled_from([None, *ZOOS]))
    model, weights = converted(zoo)
    names = sorted(name for name in weights if not name.endswith("num_batches_tracked"))
    gone = data.draw(st.sets(st.sampled_from(names), min_size=1, max_size=5))
    with pytest.raises(BadInput, match="missing") as raised:
        convert_state_dict({name: tensor for name, tensor in weights.items() if name not in gone}, model)
    assert set(re.split(r": |, |; ", str(raised.value))) & set(names) == gone


def test_two_names_for_one_tensor_are_one_too_many() -> None:
    model = small()
    theirs = convert_state_dict(model.state_dict(), model, to="timm")
    with pytest.raises(BadInput, match=r"1 unexpected: rows\.0\.conv\.weight"):
        convert_state_dict({**theirs, "rows.0.conv.weight": torch.ones(8, 3, 3, 3)}, model)


def test_a_classifier_for_other_classes_stays_fresh_where_the_caller_says_so() -> None:
    public, model = small(), small(num_classes=5)
    theirs = convert_state_dict(public.state_dict(), public, to="torchvision")
    fresh = model.get_classifier().state_dict()
    with pytest.raises(BadInput, match=r"2 of another shape: classifier.1.weight"):
        load_state_dict(model, theirs)
    load_state_dict(model, theirs, classifier=False)
    assert equal(model.get_classifier().state_dict(), fresh)
    rest = public.state_dict()
    assert all(
        torch.equal(tensor, rest[name])
        for name, tensor in model.state_dict().items()
        if not name.startswith("head.classifier.")
    )


@pytest.mark.parametrize("arguments", [{"num_classes": 0}, {"features_only": True, "out_indices": (1, 2)}])
def test_a_network_without_its_head_takes_what_it_holds(arguments: dict[str, Any]) -> None:
    public, model = small(), small(**arguments)
    for weights in (public.state_dict(), convert_state_dict(public.state_dict(), public, to="timm")):
        load_state_dict(model, weights)
        assert all(torch.equal(tensor, public.state_dict()[name]) for name, tensor in model.state_dict().items())
        with pytest.raises(BadInput, match="1 unexpected: surprise"):
            load_state_dict(model, {**weights, "surprise": torch.ones(1)})


def test_without_an_architecture_only_our_own_layout_is_taken() -> None:
    public = small()
    nameless = Network(mobilenet_v2(0.1))
    theirs = convert_state_dict(public.state_dict(), public, to="timm")
    with pytest.raises(BadInput, match=r"must fit the network in featherlight's layout .*without an architecture"):
        convert_state_dict(theirs, nameless)
    with pytest.raises(BadInput, match="a network without an architecture has no layout in timm"):
        convert_state_dict(nameless.state_dict(), nameless, to="timm")


def test_a_zoo_that_lacks_the_network_or_does_not_exist_is_refused() -> None:
    model = small()
    with pytest.raises(BadInput, match=r"layout must be a known name; got 'tim' .*timm"):
        convert_state_dict(model.state_dict(), model, to="tim")
    shuffle = Network(twin("pytorchcv:shufflenet_g3_wd4").spec, architecture="shufflenet_v1_g3")
    with pytest.raises(BadInput, match="timm has no network with the rows of this shufflenet_v1_g3"):
        convert_state_dict(shuffle.state_dict(), shuffle, to="timm")


def test_weights_of_another_family_are_refused_whole() -> None:
    model, shuffle = small(), state_dict("torchvision:shufflenet_v2_x0_5")
    with pytest.raises(BadInput, match=f"missing: .*{len(shuffle)} unexpected: {', '.join(shuffle)}$"):
        convert_state_dict(shuffle, model)
