"""The likes of registered networks: of their blocks and their budget, in a space that none of them is in."""

from __future__ import annotations

import math

import pytest

from featherlight.models import entry
from featherlight.searching import Space, Stage, network_of, read_space
from featherlight.searching.hand_made import begun_with, hand_made, likes, nearest
from featherlight.spec import (
    Convolution,
    DepthwiseSeparable,
    Fire,
    InvertedResidual,
    Pool,
    ShuffleUnit2,
    Spec,
    small_images,
    total_stride,
)
from small_spaces import seconds, small_space

LIGHT = read_space("light", 28)


def kinds(spec: Spec) -> set[type]:
    return {type(row) for row in spec.rows}


@pytest.mark.parametrize(
    ("name", "kind"),
    [("mobilenet_v1", DepthwiseSeparable), ("shufflenet_v2", ShuffleUnit2), ("mobilenet_v3_small", InvertedResidual)],
)
def test_a_like_is_of_the_same_blocks(name: str, kind: type) -> None:
    like = nearest(LIGHT, entry(name).build(), lambda _: True)
    assert like is not None
    spec, genes = like
    assert spec == LIGHT.spec(genes)
    assert total_stride(spec) == 8
    assert kinds(spec) - {Convolution} == {kind}


@pytest.mark.parametrize("size", [96, 128, 224])
def test_photographs_have_likes_of_networks_with_pools_and_of_those_that_halve_less_often(size: int) -> None:
    space = read_space("light", size)
    found = likes(space, seconds, math.inf)
    assert [name for name, like in found.items() if like is None] == ["shufflenet_v1_g3"]  # no space has its unit
    specs = {name: like[0] for name, like in found.items() if like is not None}
    assert all(total_stride(spec) == 32 for spec in specs.values())
    shuffle, squeeze = specs["shufflenet_v2"], specs["squeezenet_1_1"]
    # The pool before the first unit has become a unit that keeps the channels, as far as a stage can.
    assert [row.stride for row in shuffle.rows] == [2, 2, *(2, 1, 1), *(2, *[1] * 7), *(2, 1, 1), 1]
    assert kinds(shuffle) == {Convolution, ShuffleUnit2}
    assert [type(row) for row in squeeze.rows] == [Convolution, *[Pool, Fire, Fire] * 4]


def test_a_space_between_those_of_small_images_and_photographs_has_likes() -> None:
    stage = Stage((24, 48), (1, 2), (2,), ("shuffle_unit_2", "inverted_residual"))
    space = Space("mine", stem=(16,), stem_strides=(2,), stages=(stage,) * 3, total_stride=16)
    for name in ("mobilenet_v2", "shufflenet_v2"):
        like = nearest(space, entry(name).build(), lambda _: True)
        assert like is not None
        assert total_stride(like[0]) == 16


def test_a_network_of_the_space_is_its_own_like() -> None:
    rows = small_images(entry("mobilenet_v2").build(width=0.5)).rows
    stages = [rows[1:2], rows[2:4], rows[4:7], rows[7:11], rows[11:14], rows[14:17], rows[17:18]]
    space = Space(
        "its own",
        stem=(rows[0].channels, 64),  # type: ignore[union-attr]
        stem_strides=(1,),
        stages=tuple(
            Stage(
                (stage[0].channels, 2 * stage[0].channels),  # type: ignore[union-attr]
                repeats=(len(stage), len(stage) + 1),
                expansions=(1, 6),
                activations=("relu6", "relu"),
            )
            for stage in stages
        ),
        last=(0, 1280),
        activations=("relu6", "relu"),
        total_stride=8,
    )
    like = nearest(space, entry("mobilenet_v2").build(width=0.5), lambda _: True)
    assert like is not None
    assert [row.channels for row in like[0].rows] == [row.channels for row in rows]  # type: ignore[union-attr]
    assert [row.stride for row in like[0].rows] == [row.stride for row in rows]


def test_a_space_of_a_stage_a_block_has_too_many_combinations_of_widths_to_try_all() -> None:
    stage = Stage((16, 32, 64, 96, 160, 320), (1,), expansions=(1, 6))
    space = Space("long", stem=(32,), stem_strides=(1,), stages=(stage,) * 17, last=(1280,), total_stride=8)
    like = nearest(space, entry("mobilenet_v2").build(), lambda _: True)
    assert like is not None
    wanted = [16, 32, 32, *[32] * 3, *[64] * 4, *[96] * 3, *[160] * 3, 320]
    assert [row.channels for row in like[0].rows[1:-1]] == wanted  # type: ignore[union-attr]


def test_likes_keep_the_budget_and_are_wider_where_it_is_larger() -> None:
    tight, loose = (hand_made(LIGHT, seconds, budget) for budget in (0.03, 0.2))
    for genes, budget in ((tight, 0.03), (loose, 0.2)):
        specs = [network_of(LIGHT, each) for each in genes]
        assert len(set(specs)) == len(specs) >= 3
        assert all(seconds(spec) <= budget for spec in specs)
    assert max(seconds(network_of(LIGHT, each)) for each in loose) > 0.03


def test_which_networks_have_no_like_is_a_sentence() -> None:
    told = begun_with(likes(LIGHT, seconds, math.inf))
    assert told.startswith("it begins with the likes of mnasnet_a1, ")
    assert told.endswith("; in this space, within the budget, there is none of shufflenet_v1_g3")
    assert begun_with({"mobilenet_v2": ()}) == "it begins with the likes of mobilenet_v2"
    assert begun_with({"mobilenet_v2": None}) == "no hand-made network has a like in this space within the budget"


def test_where_no_like_is_in_a_space_there_is_none() -> None:
    assert hand_made(small_space(), seconds, 1.0) == ()  # its strides multiply to 4
    shuffles = read_space("shufflenet", 28)
    assert nearest(shuffles, entry("mobilenet_v1").build(), lambda _: True) is None
    assert nearest(LIGHT, entry("mobilenet_v1").build(), lambda _: False) is None
