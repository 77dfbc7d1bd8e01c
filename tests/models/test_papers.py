"""The families against their papers' own words, where a paper prints a figure that our table must give."""

from __future__ import annotations

import torch

from featherlight.layers import Network
from featherlight.models import entry
from featherlight.models.mobilenet_v3 import mobilenet_v3
from featherlight.models.squeezenet import squeezenet
from featherlight.spec import Convolution, Fire, InvertedResidual, ShuffleUnit1, Spec, total_stride


def parameters(spec: Spec) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in Network(spec).parameters())


def test_squeezenet_table_1_has_its_fires() -> None:
    fires = [row for row in squeezenet().rows if isinstance(row, Fire)]
    assert [fire.squeeze for fire in fires] == [16, 16, 32, 32, 48, 48, 64, 64]
    assert [fire.expand1 for fire in fires] == [64, 64, 128, 128, 192, 192, 256, 256]
    assert all(fire.expand1 == fire.expand3 for fire in fires)


def test_a_simple_bypass_costs_nothing_and_a_complex_one_four_convolutions() -> None:
    plain, simple, complex_ = (parameters(squeezenet(bypass=kind)) for kind in ("none", "simple", "complex"))
    assert simple == plain
    joined = ((96, 128), (128, 256), (256, 384), (384, 512))
    assert complex_ - plain == sum(before * after + after for before, after in joined)


def test_the_design_space_moves_what_it_names() -> None:
    assert parameters(squeezenet(squeeze_ratio=0.75)) > parameters(squeezenet()) > parameters(squeezenet(share_3x3=0.1))
    fires = [row for row in squeezenet(base=64, increment=32, frequency=4).rows if isinstance(row, Fire)]
    assert [fire.expand1 + fire.expand3 for fire in fires] == [64] * 4 + [96] * 4


def test_early_downsampling_ends_at_the_same_stride() -> None:
    late, early = squeezenet(), squeezenet(downsampling="early")
    assert total_stride(late) == total_stride(early) == 16
    assert parameters(late) == parameters(early)
    assert late.rows != early.rows


def test_shufflenet_v1_first_pointwise_convolution_is_not_grouped() -> None:
    units = [row for row in entry("shufflenet_v1_g8").build().rows if isinstance(row, ShuffleUnit1)]
    assert units[0].reduce_groups == 1
    assert {unit.reduce_groups for unit in units[1:]} == {8}
    assert all(unit.middle * 4 == unit.channels for unit in units)


def test_mobilenet_v2_expansion_of_one_leaves_the_expansion_out() -> None:
    blocks = [row for row in entry("mobilenet_v2").build(expansion=1).rows if isinstance(row, InvertedResidual)]
    assert all(block.expanded is None for block in blocks)


def test_mobilenet_v3_head_of_v2_runs_the_last_layer_on_the_whole_map() -> None:
    cheap, old = mobilenet_v3("large"), mobilenet_v3("large", cheap_head=False)
    assert cheap.head.hidden == (1280,)
    assert old.rows[-1] == Convolution(1280, 1, activation="hard_swish")
    assert old.head.hidden == ()
