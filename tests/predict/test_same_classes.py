from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.errors import BadInput
from featherlight.predict.same_classes import match_labels


@given(
    st.lists(st.text(), min_size=1, max_size=20, unique=True).flatmap(
        lambda a: st.tuples(st.just(a), st.permutations(a))
    )
)
def test_classes_in_another_order_are_found_by_name(names: tuple[list[str], list[str]]) -> None:
    network, data = names
    found = match_labels(network, data)
    assert [network[index] for index in found] == data


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("ab", "must have the network's classes; they lack 'c'; where a part of its classes is meant.*--subset"),
        ("abcd", "they have 'd', unknown to it$"),
        ("adb", "they lack 'c' and have 'd', unknown to it$"),
        ("xy", "they lack 'a', 'b', 'c' and have 'x', 'y', unknown to it$"),
        ("abca", "class names must differ to be matched; 'a' stands more than once"),
    ],
)
def test_other_classes_are_refused_with_the_difference(data: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        match_labels("abc", data)


def test_a_part_of_the_classes_is_taken_where_that_is_meant() -> None:
    assert match_labels("abcd", "db", subset=True).tolist() == [3, 1]
    with pytest.raises(BadInput, match="they have 'x', unknown to it"):
        match_labels("abcd", "dx", subset=True)


def test_of_a_long_difference_ten_are_named() -> None:
    with pytest.raises(BadInput, match=r"lack '2', '3', .*'11' and 988 more;"):
        match_labels([str(number) for number in range(1000)], ["0", "1"])


def test_a_network_that_calls_two_classes_the_same_cannot_be_matched() -> None:
    with pytest.raises(BadInput, match="'crane' stands more than once"):
        match_labels(["crane", "crane"], ["crane"])
