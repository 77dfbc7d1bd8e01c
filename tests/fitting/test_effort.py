from __future__ import annotations

from typing import get_args

import pytest

from featherlight.errors import BadInput
from featherlight.fitting.effort import MINUTES, SHARES, Asked, Effort, StageName, check_effort, has_ended


@pytest.mark.parametrize("effort", get_args(Effort))
def test_the_stages_share_all_of_the_minutes(effort: Effort) -> None:
    assert sum(SHARES[effort].values()) == pytest.approx(1)
    assert all(share > 0 for share in SHARES[effort].values())
    asked = Asked("photos", effort, 60 * MINUTES[effort], "auto", 1, None)
    assert sum(asked.share(stage) for stage in SHARES[effort]) == pytest.approx(60 * MINUTES[effort])


def test_every_effort_has_the_stages_of_the_one_before_and_more() -> None:
    names = [list(SHARES[effort]) for effort in get_args(Effort)]
    assert names[0] == ["choose"]
    assert names[1][: len(names[0])] == names[0]
    assert names[2][: len(names[1])] == names[1]
    assert names[2] == list(get_args(StageName))


def test_another_effort_is_refused() -> None:
    check_effort("thorough")
    with pytest.raises(BadInput, match="effort must be one of quick, normal, thorough; got 'much'"):
        check_effort("much")


def test_a_fit_has_ended_with_its_last_stage() -> None:
    assert has_ended({"network": "one of an earlier version"})
    assert has_ended({"effort": "quick", "stages": [{}]})
    assert not has_ended({"effort": "normal", "stages": [{}]})
    assert has_ended({"effort": "normal", "stages": [{}, {}]})
