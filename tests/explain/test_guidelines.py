"""Findings on networks of which the paper says what they break, and on layers made to break one guideline."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.cost import count
from featherlight.explain import Finding, block, findings
from featherlight.graph import Builder, Graph, Tensor, from_spec, from_torch, kinds
from featherlight.models import entry
from small_networks import small_networks


@cache
def found(name: str) -> tuple[Finding, ...]:
    return findings(from_spec(entry(name).build()))


def share(name: str, guideline: str | None = None) -> float:
    """Of the network's memory access, what findings of a guideline (or of all) stand behind."""
    return sum(each.share for each in found(name) if guideline in (None, each.guideline))


@pytest.mark.parametrize(
    ("name", "guideline", "layers"),
    [
        ("shufflenet_v1_g3", "G1", 20),
        ("shufflenet_v1_g3", "G2", 30),
        ("mobilenet_v2", "G1", 30),
        ("mobilenet_v2", "G4", 15),
        ("resnet50", "G1", 20),
    ],
)
def test_the_paper_says_so(name: str, guideline: str, layers: int) -> None:
    """Ma et al. 2018, section 2 (discussion); ResNet's bottleneck is their example of unequal channels too."""
    mine = [each for each in found(name) if each.guideline == guideline]
    assert len(mine) >= layers
    assert share(name, guideline) > 0.15


def test_shufflenet_v2_breaks_them_least() -> None:
    others = ("shufflenet_v1_g3", "mobilenet_v2", "resnet50")
    assert share("shufflenet_v2") < 0.5 * min(share(name) for name in others)
    for guideline in ("G1", "G2", "G3", "G4"):
        assert share("shufflenet_v2", guideline) <= min(share(name, guideline) for name in others)


def test_an_inverted_residuals_figure_is_its_expansion() -> None:
    ratios = [each.figure for each in found("mobilenet_v2") if each.origin.endswith("expand.conv")]
    assert ratios
    assert set(ratios) == {6.0}


def test_a_sentence_says_where_and_how_much() -> None:
    first = next(each for each in found("shufflenet_v1_g3") if each.guideline == "G2")
    assert str(first).startswith(f"G2 at {first.origin}: convolution in 3 groups")
    assert str(first).endswith(f"({first.share:.1%} of the network's memory access)")


def layer(c1: int, c2: int, side: int, groups: int = 1, kernel: int = 1) -> Graph:
    builder = Builder()
    x = builder.input("x", Tensor((1, c1, side, side)))
    weight = builder.constant("w", np.zeros((c2, c1 // groups, kernel, kernel), np.float32))
    kind = kinds.Convolution(padding=(kernel // 2,) * 4, groups=groups)
    return builder.graph(builder.add(kind, [x, weight], "y", origin="rows.0.conv"))


def named(graph: Graph) -> dict[str, float]:
    return {each.guideline: each.figure for each in findings(graph)}


@given(c=st.integers(1, 64), groups=st.sampled_from([1, 2, 4]), side=st.integers(1, 32))
def test_equal_channels_break_only_what_their_groups_break(c: int, groups: int, side: int) -> None:
    expected = {"G2": groups} if groups > 1 and c > 1 else {}
    if c > 1:
        assert named(layer(c * groups, c * groups, side, groups)) == expected


@given(c=st.integers(1, 16), ratio=st.integers(2, 12), turned=st.booleans())
def test_unequal_channels_on_a_large_map_are_found_either_way_round(c: int, ratio: int, turned: bool) -> None:
    c1, c2 = (c * ratio, c) if turned else (c, c * ratio)
    assert named(layer(c1, c2, 56))["G1"] == ratio


def test_channels_of_a_single_place_or_of_a_3x3_are_not_g1s() -> None:
    assert named(layer(16, 64, 1)) == {}
    assert named(layer(16, 64, 56, kernel=3)) == {}


def test_a_depthwise_convolution_is_element_wise_and_no_group_convolution() -> None:
    assert named(layer(32, 32, 14, groups=32, kernel=3)) == {"G4": 1.0}


def fragments(number: int) -> Graph:
    builder = Builder()
    x = builder.input("x", Tensor((1, 8, 14, 14)))
    for _ in range(number):
        weight = builder.constant("w", np.zeros((8, 8, 1, 1), np.float32))
        (x,) = builder.add(kinds.Convolution(), [x, weight], "y", origin="cell.1.conv")
    return builder.graph([x])


def test_a_block_of_many_pieces_is_fragmented() -> None:
    assert named(fragments(5)) == {}
    assert named(fragments(6)) == {"G3": 6}
    (only,) = findings(fragments(7))
    assert (only.origin, only.figure, only.share) == ("cell.1", 7, 1.0)


def test_a_batch_norm_counts_only_where_no_convolution_takes_it_in() -> None:
    def normed(convolved: bool) -> Graph:
        builder = Builder()
        x = builder.input("x", Tensor((1, 8, 14, 14)))
        if convolved:
            weight = builder.constant("w", np.zeros((8, 8, 1, 1), np.float32))
            (x,) = builder.add(kinds.Convolution(), [x, weight], "y")
        vectors = [builder.constant("v", np.ones(8, np.float32)) for _ in range(4)]
        return builder.graph(builder.add(kinds.BatchNorm(), [x, *vectors], "z", origin="norm"))

    assert named(normed(convolved=True)) == {}
    assert named(normed(convolved=False)) == {"G4": 1.0}


def test_shares_are_of_the_whole_networks_memory_access() -> None:
    for name, network in small_networks().items():
        graph = from_torch(network, (1, 3, 18, 22))
        total = count(graph).memory_access
        for each in findings(graph):
            assert 0 < each.share <= 1, name
            assert 0 < each.memory_access <= total
            assert each.share >= each.memory_access / total  # folded batch norms do not count


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("rows.3.expand.conv", "rows.3"),
        ("features.3.conv.1", "features.3"),
        ("blocks.2.0.conv_pw", "blocks.2.0"),
        ("layer1.0", "layer1.0"),
        ("/layer1/layer1.0/conv1/Conv", "/layer1/layer1.0"),
        ("stem.conv", "stem"),
        ("/conv1/Conv", "/conv1"),
        ("3", "3"),
        ("", ""),
    ],
)
def test_the_block_of_an_origin(origin: str, expected: str) -> None:
    assert block(origin) == expected
