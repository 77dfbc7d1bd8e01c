from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor, nn

from featherlight.errors import BadInput
from featherlight.layers import Network
from featherlight.models import entry, list_models
from featherlight.spec import (
    Convolution,
    Fire,
    InvertedResidual,
    Residual,
    ShuffleUnit1,
    ShuffleUnit2,
    Spec,
    feature_channels,
)
from strategies import specs


def thin(name: str) -> Spec:
    return entry(name).build(**({} if entry(name).baseline else {"width": 0.25}))


def scores_of(network: Network, x: Tensor) -> Tensor:
    y = network(x)
    assert isinstance(y, Tensor)
    return y


@settings(max_examples=60, deadline=None)
@given(specs())
def test_any_legal_spec_builds_and_gives_finite_scores(spec: Spec) -> None:
    network = Network(spec, num_classes=3, in_chans=2).eval()
    y = scores_of(network, torch.randn(2, 2, 33, 31))
    assert y.shape == (2, 3)
    assert torch.isfinite(y).all()


def test_blocks_of_several_families_build_into_one_network_that_learns() -> None:
    spec = Spec(
        (
            Convolution(8, 3, 2),
            InvertedResidual(8, 24),
            Fire(4, 8, 8),
            ShuffleUnit2(16, 8),
            ShuffleUnit1(24, 4, 2, 1, 2),
            Residual(24, 8, bottleneck=True),
        )
    )
    torch.manual_seed(0)
    network = Network(spec, num_classes=2)
    x, labels = torch.randn(16, 3, 16, 16), torch.arange(16) % 2
    optimiser = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
    losses = []
    for _ in range(30):
        loss = nn.functional.cross_entropy(scores_of(network, x), labels)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


@pytest.mark.parametrize("name", list_models())
def test_features_head_and_classifier_fit_together(name: str) -> None:
    network = Network(thin(name), num_classes=7, drop_rate=0.2).eval()
    x = torch.randn(1, 3, 64, 64)
    features = network.forward_features(x)
    assert features.shape[1] == feature_channels(network.spec)
    torch.testing.assert_close(network.forward_head(features), scores_of(network, x))
    before = network.forward_head(features, pre_logits=True)
    assert before.shape == (1, network.num_features)

    body = [value.clone() for value in network.rows.parameters()]
    network.reset_classifier(5)
    assert scores_of(network, x).shape == (1, 5)
    assert all(torch.equal(a, b) for a, b in zip(body, network.rows.parameters(), strict=True))
    torch.testing.assert_close(network.forward_head(features, pre_logits=True), before)
    network.reset_classifier(0)
    torch.testing.assert_close(scores_of(network, x), before)
    network.reset_classifier(0, global_pool="")
    torch.testing.assert_close(scores_of(network, x), features)


def test_without_a_global_pool_there_are_no_scores() -> None:
    with pytest.raises(BadInput, match="num_classes must be 0 where global_pool is ''; got 1000"):
        Network(thin("mobilenet_v2"), global_pool="")


@pytest.mark.parametrize("name", list_models())
def test_features_only_gives_the_maps_that_feature_info_describes(name: str) -> None:
    network = Network(thin(name), features_only=True).eval()
    maps = network(torch.randn(1, 3, 64, 64))
    info = network.feature_info
    assert [each.shape[1] for each in maps] == [level["num_chs"] for level in info]
    reductions = [level["reduction"] for level in info]
    assert reductions == sorted(set(reductions))
    names = dict(network.named_modules())
    assert all(level["module"] in names for level in info)
    if name not in ("alexnet",) and not name.startswith("squeezenet"):  # theirs are not padded to exact halves
        assert [each.shape[-1] for each in maps] == [64 // reduction for reduction in reductions]


def test_out_indices_choose_levels_and_drop_what_comes_after() -> None:
    spec = thin("mobilenet_v2")
    every = Network(spec, features_only=True)
    two = Network(spec, features_only=True, out_indices=(0, -3))
    assert [level["reduction"] for level in two.feature_info] == [2, 8]
    assert len(two.rows) < len(every.rows)
    with pytest.raises(BadInput, match="out_indices must be indices of the 5 feature levels"):
        Network(spec, features_only=True, out_indices=(5,))
    with pytest.raises(BadInput, match="out_indices needs features_only=True"):
        Network(spec, out_indices=(1,))
    with pytest.raises(BadInput, match="features_only has no classifier"):
        two.get_classifier()


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ({"num_classes": -1}, "num_classes must be a whole number of at least 0; got -1"),
        ({"in_chans": 0}, "in_chans must be a whole number of at least 1; got 0"),
        ({"drop_rate": 1.0}, "drop_rate must be at least 0 and below 1; got 1.0"),
        ({"global_pool": "mean"}, "global_pool must be one of"),
    ],
)
def test_arguments_out_of_range_are_named(argument: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        Network(thin("mobilenet_v2"), **argument)  # type: ignore[arg-type]


def test_a_residual_shuffle_unit_and_a_nonlinear_bottleneck_differ_from_the_plain_ones() -> None:
    x = torch.randn(1, 3, 32, 32)
    for name, argument in (("shufflenet_v2", "residual"), ("mobilenet_v2", "linear")):
        results = []
        for value in (True, False):
            torch.manual_seed(0)
            network = Network(entry(name).build(width=0.5, **{argument: value}), num_classes=4).eval()
            results.append(scores_of(network, x))
        assert (results[0] - results[1]).norm() > 0.01 * results[1].norm()


@pytest.mark.parametrize("name", ["shufflenet_v2", "mobilenet_v2"])
def test_dynamo_can_follow_a_whole_network(name: str) -> None:
    model = Network(thin(name), 3).eval()
    images = torch.rand(1, 3, 32, 32)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    with torch.inference_mode():
        torch.testing.assert_close(compiled(images), model(images))
