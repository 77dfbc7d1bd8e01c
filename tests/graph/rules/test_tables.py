"""Every kind has an entry in every table, or a reason why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import pytest

from featherlight.graph import kinds
from featherlight.graph.activations import FUNCTIONS, Function
from featherlight.graph.rules.bytes import TRAFFIC
from featherlight.graph.rules.channels import CHANNELS
from featherlight.graph.rules.multiply_adds import LEFT_OUT, MULTIPLY_ADDS
from featherlight.graph.rules.onnx import ACTIVATIONS, ONNX
from featherlight.graph.rules.shape import SHAPE
from featherlight.graph.rules.value import VALUE


@pytest.mark.parametrize(
    "table",
    [SHAPE, VALUE, TRAFFIC, ONNX, CHANNELS, MULTIPLY_ADDS | LEFT_OUT],
    ids=["shape", "value", "bytes", "onnx", "channels", "madds"],
)
def test_each_kind_stands_in_the_table(table: Mapping[Any, object]) -> None:
    assert set(table) == set(kinds.KINDS)


def test_no_kind_is_both_counted_and_left_out() -> None:
    assert not MULTIPLY_ADDS.keys() & LEFT_OUT.keys()
    assert all(LEFT_OUT.values())


def test_every_record_of_the_file_is_a_kind() -> None:
    records = {each for each in vars(kinds).values() if hasattr(each, "__dataclass_fields__")}
    assert records == set(kinds.KINDS)


@pytest.mark.parametrize("table", [FUNCTIONS, ACTIVATIONS], ids=["value", "onnx"])
def test_each_activation_stands_in_the_table(table: Mapping[Function, object]) -> None:
    assert set(table) == set(get_args(Function))
