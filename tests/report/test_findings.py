from __future__ import annotations

from dataclasses import replace

import pytest

import hand_made_report as made
from featherlight.explain import Finding
from featherlight.report.findings import broken, what


def test_all_four_are_told_with_their_share_of_the_time() -> None:
    told = broken(made.PROFILE)
    assert [each.guideline for each in told] == ["G1", "G2", "G3", "G4"]
    assert [each.time for each in told] == pytest.approx([0.25, 0.20, 0.62, 0.0])
    assert told[2].places[0].origin == "rows.1"
    assert told[3].places == ()


def test_the_costliest_place_comes_first_and_time_is_not_counted_twice() -> None:
    other = Finding("G3", "stem", 7.0, 1, 0.01)
    both = replace(made.PROFILE.rows[1], findings=(made.FRAGMENTED, other))
    rows = (made.PROFILE.rows[0], both, *made.PROFILE.rows[2:])
    told = broken(replace(made.PROFILE, rows=rows, findings=(other, made.FRAGMENTED)))[2]
    assert [place.origin for place in told.places] == ["rows.1", "stem"]
    assert [place.time for place in told.places] == pytest.approx([0.62, 0.20])
    assert told.time == pytest.approx(0.62)


def test_what_is_found_is_said_in_a_few_words() -> None:
    assert [what(guideline, 6.0) for guideline in ("G1", "G2", "G3")] == [
        *("channels 1 to 6", "6 groups", "6 convolutions and poolings"),
    ]
    assert what("G4", 0.704) == "70 % of its memory access"
