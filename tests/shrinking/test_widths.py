from __future__ import annotations

import pytest

from featherlight.errors import BadInput
from featherlight.models import entry
from featherlight.shrinking import Width, widths, with_channels
from featherlight.shrinking.one_shot import thinned
from featherlight.shrinking.widths import channels_at
from featherlight.spec import (
    Convolution,
    Fire,
    Head,
    InvertedResidual,
    Pool,
    Residual,
    ShuffleUnit1,
    Spec,
    SqueezeExcite,
    small_images,
)


def named(spec: Spec) -> dict[str, Width]:
    return {width.name: width for width in widths(spec)}


def test_an_expansion_and_the_bottlenecks_that_share_a_residual() -> None:
    gate = SqueezeExcite(4)
    spec = Spec(
        (Convolution(8, 3, 2), InvertedResidual(12, 24, squeeze_excite=gate), InvertedResidual(12, 30)),
        Head(hidden=(9,)),
    )
    assert [(width.name, width.channels, len(width.places)) for width in widths(spec)] == [
        ("rows.0.channels", 8, 1),
        ("rows.1.expanded", 24, 1),
        ("rows.1.squeeze_excite.channels", 4, 1),
        ("rows.1.channels", 12, 2),
        ("rows.2.expanded", 30, 1),
        ("head.hidden.0", 9, 1),
    ]
    thinner = with_channels(spec, named(spec)["rows.1.channels"], 10)
    assert [row.channels for row in thinner.rows if isinstance(row, InvertedResidual)] == [10, 10]
    assert with_channels(spec, named(spec)["head.hidden.0"], 3).head.hidden == (3,)
    gated = with_channels(spec, named(spec)["rows.1.squeeze_excite.channels"], 2).rows[1]
    assert isinstance(gated, InvertedResidual)
    assert gated.squeeze_excite == SqueezeExcite(2)


def test_a_block_that_is_cut_to_what_enters_it_gains_no_residual() -> None:
    spec = Spec((Convolution(8, 3, 2), InvertedResidual(12, 24), InvertedResidual(12, 30)))
    thinner = with_channels(spec, named(spec)["rows.1.channels"], 8)
    assert [row.skip for row in thinner.rows if isinstance(row, InvertedResidual)] == [False, True]
    assert len(widths(thinner)) == len(widths(spec))


def test_a_resnets_projection_is_not_lost() -> None:
    spec = Spec((Convolution(8, 3, 2), Residual(16, 8)))
    with pytest.raises(BadInput, match=r"rows\.1\.channels must be other than the 8 that enter; got 8"):
        with_channels(spec, named(spec)["rows.1.channels"], 8)


def test_what_enters_a_concatenation_is_part_of_what_leaves_it() -> None:
    spec = Spec((Convolution(6, 3, 2), ShuffleUnit1(24, 6, 3, 3, 2), ShuffleUnit1(24, 6, 3, 3)))
    stem = named(spec)["rows.0.channels"]
    thinner = with_channels(spec, stem, 3)
    assert [row.channels for row in thinner.rows if not isinstance(row, Pool | Fire)] == [3, 21, 21]
    made = with_channels(spec, named(spec)["rows.1.channels"], 21)
    assert [row.channels for row in made.rows if not isinstance(row, Pool | Fire)] == [6, 21, 21]


def test_a_bypass_ties_both_halves_of_two_fire_modules() -> None:
    spec = Spec((Convolution(8, 3), Fire(2, 4, 5), Fire(3, 4, 5, bypass="simple")), Head("convolution"))
    assert [row for row in with_channels(spec, named(spec)["rows.1.expand3"], 3).rows if isinstance(row, Fire)] == [
        Fire(2, 4, 3),
        Fire(3, 4, 3, bypass="simple"),
    ]


def test_a_bypass_over_a_convolution_takes_of_its_filters_as_many_as_either_half_loses() -> None:
    spec = Spec((Convolution(8, 3, 2), Pool(3, 2), Fire(2, 3, 5, bypass="simple"), InvertedResidual(8, 24)))
    assert [(name, width.channels) for name, width in named(spec).items()] == [
        ("rows.2.expand1", 3),
        ("rows.2.squeeze", 2),
        ("rows.2.expand3", 5),
        ("rows.3.expanded", 24),
    ]
    thinner = with_channels(spec, named(spec)["rows.2.expand3"], 4)
    assert thinner.rows[0] == Convolution(7, 3, 2)
    assert thinner.rows[2:] == (Fire(2, 3, 4, bypass="simple"), InvertedResidual(7, 24))


def test_the_widths_of_a_network_are_told_of_a_thinner_one_that_gained_a_residual() -> None:
    spec = small_images(entry("mobilenet_v3_small").build(width=0.35))
    gained = [
        thinner for share in range(30, 100) if len(widths(thinner := thinned(spec, share / 100))) < len(widths(spec))
    ]
    assert gained, "a multiplier makes two rows alike, and joins their widths"
    for thinner in gained:
        told = {width.name: channels_at(thinner, width) for width in widths(spec)}
        assert told | {width.name: width.channels for width in widths(thinner)} == told


@pytest.mark.parametrize(
    "name", ["alexnet", "resnet50", "squeezenet_1_0_simple_bypass", "shufflenet_v2_se", "mnasnet_a1"]
)
def test_every_width_of_a_registered_network_can_be_read_and_written(name: str) -> None:
    spec = entry(name).build()
    places = [place for width in widths(spec) for place in width.places]
    assert len(places) == len(set(places)) or name.startswith("shufflenet_v1")
    for width in widths(spec):
        assert with_channels(spec, width, width.channels) == spec


def test_no_width_without_channels() -> None:
    spec = Spec((Convolution(8, 3),))
    with pytest.raises(BadInput, match=r"rows\.0\.channels must be a whole number above 0; got 0"):
        with_channels(spec, widths(spec)[0], 0)
