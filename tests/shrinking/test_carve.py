"""Carving: what is left computes what the whole network did, where the channels that went were silent."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from featherlight.graph import ChannelGroup
from featherlight.layers import Network
from featherlight.shrinking import IllegalCut, carve, legal, removed, widths, with_channels
from featherlight.shrinking.carve import Weights
from featherlight.spec import (
    Convolution,
    DepthwiseSeparable,
    Fire,
    Head,
    InvertedResidual,
    Pool,
    Residual,
    Row,
    ShuffleUnit1,
    ShuffleUnit2,
    Spec,
    SqueezeExcite,
    Style,
)

CLASSES = 3
FAMILIES: dict[str, tuple[tuple[Row, ...], Head, Style]] = {
    "alexnet": ((Convolution(4, 3, 2), Pool(3, 2)), Head(hidden=(5, 6), pool=2), Style(norm="none")),
    "resnet": ((Residual(8, 4), Residual(12, 5, 2), Residual(12, 6, bottleneck=True)), Head(), Style()),
    "squeezenet": ((Fire(2, 3, 4), Fire(5, 3, 4, bypass="simple")), Head("convolution"), Style(norm="none")),
    "mobilenet_v1": ((DepthwiseSeparable(6), DepthwiseSeparable(9, stride=2)), Head(), Style()),
    "mobilenet_v2": (
        (InvertedResidual(8, None), InvertedResidual(6, 12, stride=2), InvertedResidual(6, 9)),
        Head(),
        Style(),
    ),
    "mobilenet_v3": (
        (InvertedResidual(6, 16, activation="hard_swish", squeeze_excite=SqueezeExcite(4)), InvertedResidual(6, 12)),
        Head(hidden=(9,), activation="hard_swish"),
        Style(),
    ),
    # Cut to 8 channels, the first block would make as many as it takes.
    "mnasnet": ((InvertedResidual(10, 12), InvertedResidual(10, 12)), Head(), Style()),
    "shufflenet_v1": ((ShuffleUnit1(24, 16, 2, 1, 2), ShuffleUnit1(24, 16, 2, 2)), Head(), Style()),
    "shufflenet_v2": ((ShuffleUnit2(32, 6, 3, 2), ShuffleUnit2(32, 7), ShuffleUnit2(32, 5)), Head(), Style()),
}  # fmt: skip


def spec_of(family: str) -> Spec:
    rows, head, style = FAMILIES[family]
    return Spec((Convolution(8, 3, 2), *rows), head, style)


@cache
def network(family: str) -> Network:
    """With statistics and scales that are not those of the beginning."""
    torch.manual_seed(0)
    made = Network(spec_of(family), CLASSES).eval()
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                assert isinstance(tensor, Tensor)
                nn.init.uniform_(tensor, 0.5, 1.5)
        elif isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.uniform_(module.bias, -1, 1)
    return made


@cache
def cuts(family: str) -> list[tuple[str, int, Spec]]:
    """Every legal cut of one width: its name, to how many channels, and the Spec."""
    spec = spec_of(family)
    return [
        (width.name, channels, with_channels(spec, width, channels))
        for width in widths(spec)
        for channels in legal(spec, width, CLASSES)
    ]


def silenced(weights: Weights, gone: dict[tuple[str, int], object]) -> dict[str, Tensor]:
    """The batch norms' scale and shift of what goes at zero; without a norm, the filter and the bias."""
    quiet = {name: tensor.clone() for name, tensor in weights.items()}
    for (name, axis), channels in gone.items():
        layer, _, kind = name.rpartition(".")
        if axis == 0 and kind in ("weight", "bias") and f"{layer}.bias" in weights:
            quiet[name][torch.as_tensor(channels)] = 0
    return quiet


@pytest.mark.parametrize("family", FAMILIES)
def test_a_cut_of_silent_channels_changes_nothing(family: str) -> None:
    @settings(max_examples=12)
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        _, _, new = data.draw(st.sampled_from(cuts(family)))
        order = data.draw(st.randoms(use_true_random=False))
        luck: dict[object, float] = {}

        def score(_: Weights, group: ChannelGroup) -> float:
            return luck.setdefault(group.parts, order.random())

        old = network(family)
        weights = dict(old.state_dict())
        quiet = silenced(weights, dict(removed(weights, old.spec, new, score)))
        images = torch.rand(2, 3, 24, 24)
        whole, thin = Network(old.spec, CLASSES).eval(), Network(new, CLASSES).eval()
        whole.load_state_dict(quiet)
        thin.load_state_dict(carve(quiet, old.spec, new, score))
        with torch.inference_mode():
            torch.testing.assert_close(thin(images), whole(images), rtol=1e-4, atol=1e-4)

    assert cuts(family), "there must be a legal cut"
    check()


def test_the_filters_with_the_smallest_norms_go() -> None:
    old = network("mobilenet_v1")
    weights = {name: tensor.clone() for name, tensor in old.state_dict().items()}
    weights["rows.1.pointwise.conv.weight"][[1, 4]] *= 1e-3
    spec = old.spec
    new = with_channels(spec, next(w for w in widths(spec) if w.name == "rows.1.channels"), 4)
    gone = removed(weights, spec, new)
    assert gone["rows.1.pointwise.conv.weight", 0].tolist() == [1, 4]
    assert gone["rows.2.depthwise.conv.weight", 0].tolist() == [1, 4]


def test_several_widths_are_cut_at_once() -> None:
    old = network("mobilenet_v3")
    new = old.spec
    for name, channels in (("rows.1.expanded", 9), ("rows.1.squeeze_excite.channels", 2), ("head.hidden.0", 4)):
        new = with_channels(new, next(width for width in widths(new) if width.name == name), channels)
    Network(new, CLASSES).load_state_dict(carve(old.state_dict(), old.spec, new))


def test_an_illegal_cut_names_the_nearest_legal_ones() -> None:
    old = network("shufflenet_v2")
    stage = next(width for width in widths(old.spec) if width.name == "rows.1.channels")
    allowed = legal(old.spec, stage, CLASSES)
    assert allowed == (24, 16, 8)
    with pytest.raises(IllegalCut, match=r"rows\.1\.channels cannot go from 32 to 20: 16 or 24 can") as refused:
        carve(old.state_dict(), old.spec, with_channels(old.spec, stage, 20))
    assert refused.value.nearest == (16, 24)


def test_a_network_is_not_carved_out_of_a_thinner_or_another_one() -> None:
    old = network("mobilenet_v1")
    stem = widths(old.spec)[0]
    with pytest.raises(IllegalCut, match=r"rows\.0\.channels must be at most 8; got 9"):
        carve(old.state_dict(), old.spec, with_channels(old.spec, stem, 9))
    with pytest.raises(IllegalCut, match="with the same rows"):
        carve(old.state_dict(), old.spec, spec_of("mobilenet_v2"))
