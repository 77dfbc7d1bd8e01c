"""What a table is to hold of some networks, whichever engine its pieces are cut for."""

from __future__ import annotations

import pytest

from featherlight.errors import BadInput
from featherlight.graph import from_torch
from featherlight.latency import Member, pieces
from featherlight.latency.listing import listing
from small_networks import small_networks


def member(name: str, *, timed: bool) -> Member:
    return Member(name, f"family of {name}", from_torch(small_networks()[name], (1, 3, 18, 22)), timed)


def test_each_piece_is_listed_once_and_each_timed_network_by_the_places_of_its_pieces() -> None:
    members = [member("residual", timed=False), member("residual", timed=True), member("fire", timed=True)]
    own, kept, lists = listing(members, pieces, lambda graph: graph.inputs, "a table")
    cut = [pieces(each.graph) for each in members]
    assert [each["key"] for each in lists["pieces"]] == [piece.key for piece in own]
    assert [piece.key for piece in own] == list(dict.fromkeys(piece.key for each in cut for piece in each))
    assert [(each["multiply_adds"], each["bytes"]) for each in lists["pieces"]] == [
        (piece.multiply_adds, piece.bytes_moved) for piece in own
    ]
    assert [(each["name"], each["family"]) for each in lists["networks"]] == [
        ("residual", "family of residual"), ("fire", "family of fire")
    ]  # fmt: skip
    for network, wanted in zip(lists["networks"], cut[1:], strict=True):
        assert [(own[at].key, reads, writes) for at, reads, writes in network["pieces"]] == [
            (piece.key, piece.reads, piece.writes) for piece in wanted
        ]
    assert kept == [each.graph.inputs for each in members[1:]]


def test_no_networks_are_a_sentence() -> None:
    with pytest.raises(BadInput, match="networks of a table must be one or more; got 'none'"):
        listing([], pieces, lambda graph: graph, "a table")
