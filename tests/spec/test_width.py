from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featherlight.errors import BadInput
from featherlight.models import entry, list_models
from featherlight.spec import Spec, feature_channels, round_channels, walk, widen
from strategies import specs

SCALABLE = [name for name in list_models() if not entry(name).baseline]


@pytest.mark.parametrize(
    ("channels", "divisor", "rounded"),
    [(16 * 0.35, 8, 8), (32 * 0.35, 8, 16), (96 * 0.35, 8, 32), (83, 8, 80), (84, 8, 88), (18, 8, 24), (5, 1, 5)],
)
def test_channels_round_as_in_the_reference_implementation(channels: float, divisor: int, rounded: int) -> None:
    assert round_channels(channels, divisor) == rounded


@given(st.floats(0.01, 5000), st.sampled_from([1, 2, 4, 8, 16]))
def test_rounding_never_loses_more_than_a_tenth(channels: float, divisor: int) -> None:
    rounded = round_channels(channels, divisor)
    assert rounded % divisor == 0
    assert rounded >= 0.9 * channels or rounded == 1
    assert rounded <= max(channels + divisor, divisor)


@given(specs())
def test_width_one_changes_nothing(spec: Spec) -> None:
    assert widen(spec, 1.0) == spec


@pytest.mark.parametrize("name", SCALABLE)
@settings(max_examples=25)
@given(width=st.floats(0.1, 3.0))
def test_every_family_is_legal_at_any_width(name: str, width: float) -> None:
    spec = entry(name).build(width=width)  # a Spec that is not legal cannot be made
    assert len(spec.rows) == len(entry(name).build().rows)


@pytest.mark.parametrize("name", SCALABLE)
def test_a_wider_network_is_nowhere_thinner(name: str) -> None:
    thin, wide = (entry(name).build(width=width) for width in (0.5, 1.5))
    for before, after in zip(walk(thin), walk(wide), strict=True):
        assert before[2] <= after[2]
    assert feature_channels(thin) <= feature_channels(wide)


@pytest.mark.parametrize("width", [0, -1, float("nan"), float("inf"), "a"])
def test_a_width_that_is_none_is_refused(width: object) -> None:
    for name in ("mobilenet_v2", "shufflenet_v2", "squeezenet_1_1"):
        with pytest.raises(BadInput, match="width must be a number above 0"):
            entry(name).build(width=width)
