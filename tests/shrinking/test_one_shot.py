"""Width multipliers in whole blocks of channels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.models import entry
from featherlight.shrinking.one_shot import thinned
from featherlight.shrinking.proposals import BLOCK, cuts
from featherlight.shrinking.widths import widths
from featherlight.spec import Convolution, ShuffleUnit2, small_images


@given(st.floats(0.05, 0.99), st.sampled_from([0.5, 1.0, 1.5]))
def test_a_thinned_shufflenet_has_whole_blocks(width: float, of: float) -> None:
    spec = small_images(entry("shufflenet_v2").build(width=of))
    thinner = thinned(spec, width)
    for row in thinner.rows:
        if isinstance(row, ShuffleUnit2):
            assert row.channels % (2 * BLOCK) == row.middle % BLOCK == 0
        elif isinstance(row, Convolution):
            assert row.channels % BLOCK == 0
    assert thinned(spec, 1.0) == spec


@pytest.mark.parametrize("name", ["shufflenet_v2", "mobilenet_v3_small", "squeezenet_1_1", "resnet18"])
def test_what_is_proposed_is_whole_blocks(name: str) -> None:
    spec = entry(name).build()
    wide = [width for width in widths(spec) if width.channels > 2 * BLOCK]
    found = [cuts(spec, width, 10, 3) for width in wide]
    assert any(found)
    assert all(channels % BLOCK == 0 for some in found for channels in some if len(some) > 1)
