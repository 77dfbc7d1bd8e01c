from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.errors import BadInput, DiskFull, Failure, FeatherlightError, must_be, unknown

NAMES = ["mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2", "squeezenet_1_1", "resnet18"]


@pytest.mark.parametrize(
    ("kind", "built_in", "code"), [(BadInput, ValueError, 2), (DiskFull, OSError, 2), (Failure, RuntimeError, 1)]
)
def test_an_error_is_a_built_in_one_as_well_and_knows_its_exit_code(
    kind: type[FeatherlightError], built_in: type[Exception], code: int
) -> None:
    assert issubclass(kind, FeatherlightError)
    assert issubclass(kind, built_in)
    assert kind("what went wrong").exit_code == code


def test_the_shape_of_a_sentence() -> None:
    error = must_be("width", "a number above 0", -1)
    assert str(error) == "width must be a number above 0; got -1"
    assert isinstance(error, BadInput)


@given(st.text())
def test_what_came_stands_in_the_sentence_on_one_line(got: str) -> None:
    sentence = str(must_be("name", "short", got))
    assert sentence.endswith(repr(got))
    assert len(sentence.splitlines()) == 1


@given(st.sampled_from(NAMES), st.data())
def test_a_mistyped_name_is_answered_with_the_right_one(name: str, data: st.DataObject) -> None:
    gone = data.draw(st.integers(0, len(name) - 1))
    mistyped = name[:gone] + name[gone + 1 :]
    assert name in str(unknown("model", mistyped, NAMES))


def test_a_name_like_no_other_is_answered_with_three_all_the_same() -> None:
    nearest = str(unknown("model", "zzz", NAMES)).split("nearest: ")[1]
    assert len(nearest.split(", ")) == 3
