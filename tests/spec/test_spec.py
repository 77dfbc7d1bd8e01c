from __future__ import annotations

import pytest
from hypothesis import given

from featherlight.errors import BadInput
from featherlight.spec import (
    Convolution,
    Fire,
    Head,
    Pool,
    Row,
    ShuffleUnit1,
    ShuffleUnit2,
    Spec,
    feature_channels,
    out_channels,
    total_stride,
    walk,
)
from strategies import specs


@given(specs())
def test_walking_a_spec_ends_at_its_feature_channels(spec: Spec) -> None:
    *_, (_, row, channels) = walk(spec)
    assert out_channels(row, channels) == feature_channels(spec)


def test_the_total_stride_is_the_product_of_all() -> None:
    assert total_stride(Spec((Convolution(8, 3, 2), Pool(3, 2), Fire(1, 1, 1), Convolution(8, 1)))) == 4


STEM = Convolution(12, 3)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (ShuffleUnit2(14, 7), r"rows\[1\] \(shuffle_unit_2\)\.channels must be its input's 12 at stride 1; got 14"),
        (Fire(2, 4, 4, "simple"), r"rows\[1\] \(fire\)\.expand1 \+ expand3 must be its input's 12"),
        (ShuffleUnit1(24, 4, 2, 2), r"rows\[1\] \(shuffle_unit_1\)\.channels must be its input's 12 at stride 1"),
        (ShuffleUnit1(12, 4, 2, 2, 2), r"channels must be more than its input's 12, which it concatenates; got 12"),
        (ShuffleUnit1(24, 8, 8, 8, 2), r"reduce_groups must be a divisor of its input's 12 channels; got 8"),
        (ShuffleUnit1(20, 6, 3, 3, 2), r"groups must be a divisor of the 8 channels it makes; got 3"),
    ],
)
def test_a_row_that_cannot_follow_is_refused_by_name(row: Row, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        Spec((STEM, row))


def test_rows_begin_with_a_convolution() -> None:
    for rows in ((), (Pool(3, 2),)):
        with pytest.raises(BadInput, match="rows must begin with a convolution"):
            Spec(rows)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Convolution(8, 2), "convolution.kernel must be an odd number; got 2"),
        (lambda: Convolution(0, 3), "convolution.channels must be a whole number of at least 1; got 0"),
        (lambda: Convolution(8, 3, activation="swish"), "convolution.activation must be one of"),  # type: ignore[arg-type]
        (lambda: Pool(3, 2, padding=2), "pool.padding must be at most half the kernel, 1; got 2"),
        (lambda: ShuffleUnit2(7, 3), "shuffle_unit_2.channels must be an even number, two equal halves; got 7"),
        (lambda: ShuffleUnit1(8, 3, 2, 1), "shuffle_unit_1.middle must be a multiple of its groups, 2; got 3"),
        (lambda: Head("convolution", hidden=(3,)), "head.kind 'convolution' takes neither"),
    ],
)
def test_a_record_refuses_what_cannot_be(make: object, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        make()  # type: ignore[operator]
