from __future__ import annotations

import pytest

from featherlight.errors import BadInput
from featherlight.latency.neighbours import LEAST, Known, Neighbours


def law(kind: str, multiply_adds: int, bytes_moved: int) -> Known:
    return Known(kind, multiply_adds, bytes_moved, 2, 1e-9 * bytes_moved**0.4 * max(multiply_adds, 1) ** 0.6)


CONVOLUTIONS = [law("convolution 1x1", 1000 * n * n * (n % 3 + 1), 500 * n) for n in range(1, 13)]
SHUFFLES = [law("channel shuffle", 0, 700 * n) for n in range(1, 13)]


def test_a_kind_that_follows_a_law_is_told_exactly() -> None:
    told = Neighbours(CONVOLUTIONS + SHUFFLES).tell("convolution 1x1", 90_500, 4_700)
    assert told.seconds == pytest.approx(law("", 90_500, 4_700).seconds, rel=1e-6)
    assert told.steps == 2
    assert told.error == pytest.approx(0.0, abs=1e-6)


def test_of_a_kind_that_nobody_timed_those_tell_that_compute_alike() -> None:
    known = Neighbours(CONVOLUTIONS + SHUFFLES)
    assert known.tell("grouped convolution 3x3", 81_000, 4_500) == known.tell("convolution 1x1", 81_000, 4_500)
    assert known.tell("split", 0, 3_000) == known.tell("channel shuffle", 0, 3_000)


def test_uneven_neighbours_make_an_uncertain_estimate() -> None:
    uneven = [each._replace(seconds=each.seconds * (2 if at % 2 else 1)) for at, each in enumerate(CONVOLUTIONS)]
    assert Neighbours(uneven).tell("convolution 1x1", 81_000, 4_500).error > 0.2


@pytest.mark.parametrize("count", range(1, LEAST))
def test_a_few_tell_what_lies_between_them_with_much_doubt(count: int) -> None:
    few = SHUFFLES[:count]
    told = Neighbours(CONVOLUTIONS + few).tell("channel shuffle", 0, 650)
    assert 0.5 * few[0].seconds < told.seconds < max(each.seconds for each in few)
    assert told.steps == 2
    assert told.error >= 0.5
    known = Neighbours(few)
    assert known.tell("split", 0, 650) == known.tell("channel shuffle", 0, 650)
    assert known.tell("split", 0, 6500).seconds > known.tell("split", 0, 65).seconds > 0


def test_pieces_too_quick_for_an_engines_clock_tell_that_others_are() -> None:
    none = [each._replace(seconds=0.0) for each in SHUFFLES]
    assert Neighbours(CONVOLUTIONS + none).tell("channel shuffle", 0, 650).seconds == 0


def test_where_nothing_is_alike_it_is_refused() -> None:
    with pytest.raises(BadInput, match="tells nothing of a channel shuffle; pack networks that have the like"):
        Neighbours(CONVOLUTIONS).tell("channel shuffle", 0, 700)
