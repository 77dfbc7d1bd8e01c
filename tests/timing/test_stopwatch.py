"""The stopwatch, driven by a clock that only the calls themselves move."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featherlight.errors import BadInput
from featherlight.timing import interleave, measure


class Clock:
    """A clock in nanoseconds that stands still but for what the calls made with `taking` add."""

    def __init__(self) -> None:
        self.now = 0
        self.calls: list[str] = []

    def __call__(self) -> int:
        return self.now

    def taking(self, name: str, *durations: int) -> Callable[[], None]:
        """A call that takes these durations in turn, the last one for ever."""
        left = list(durations)

        def call() -> None:
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return call


@given(st.integers(1_000, 10**9), st.integers(1, 8))
def test_a_steady_call_is_timed_exactly(duration: int, rounds: int) -> None:
    clock = Clock()
    samples = measure({"a": clock.taking("a", duration)}, rounds=rounds, warm_up=0, clock=clock)["a"]
    assert rounds <= len(samples) <= 5 * rounds
    assert samples == pytest.approx([duration / 1e9] * len(samples))


def test_every_rival_has_one_turn_a_round() -> None:
    clock = Clock()
    slow = 10_000_000  # one sample a turn
    calls = {name: clock.taking(name, slow) for name in "abc"}
    measure(calls, rounds=4, warm_up=0, clock=clock)
    turns = clock.calls[3 * 2 :]  # warm-up: two calls each
    rounds = [turns[start : start + 6] for start in range(0, len(turns), 6)]
    assert len(rounds) == 4
    for in_turn in rounds:  # an untimed call, then the timed one
        assert in_turn[0::2] == in_turn[1::2]
        assert sorted(in_turn[0::2]) == ["a", "b", "c"]
    assert len({tuple(in_turn) for in_turn in rounds}) > 1, "the order never changes"


def test_a_disturbance_meets_all_rivals() -> None:
    clock = Clock()
    quiet, disturbed = [2_000_000] * 30, [20_000_000] * 30
    calls = {name: clock.taking(name, *quiet, *disturbed, 2_000_000) for name in "ab"}
    samples = measure(calls, rounds=20, warm_up=0, clock=clock)
    slow = {name: sum(time > 0.01 for time in times) for name, times in samples.items()}
    assert slow["a"] == slow["b"] > 0


def test_quick_calls_are_timed_several_at_once() -> None:
    clock = Clock()
    measure({"a": clock.taking("a", 100)}, rounds=1, warm_up=0, clock=clock)
    assert len(clock.calls) == 2 + 10_000 + 5 * 1_000  # warm-up, 1 ms untimed, five samples of 0.1 ms


def test_a_turn_begins_untimed_since_the_caches_hold_a_rival() -> None:
    clock = Clock()
    cold_then_warm = [9_000_000, 6_000_000] * 10
    samples = measure({"a": clock.taking("a", *cold_then_warm)}, rounds=3, warm_up=0, clock=clock)["a"]
    assert samples == pytest.approx([0.006] * 3)


def test_a_disturbed_warm_up_does_not_shape_the_turns() -> None:
    clock = Clock()
    disturbed = [30_000_000] * 3  # both calls of the warm-up, and the first turn's untimed one
    measure({"a": clock.taking("a", *disturbed, 1_000_000)}, rounds=2, warm_up=0, clock=clock)
    assert len(clock.calls) == 2 + (1 + 1) + (1 + 5)  # warm-up, one sample a turn, five


def test_settling_lasts_as_long_as_asked() -> None:
    clock = Clock()
    measure({"a": clock.taking("a", 10_000_000)}, rounds=1, warm_up=0, settle=0.04, clock=clock)
    assert len(clock.calls) == 2 + 4 + 1  # warm-up, 40 ms untimed, one sample


def test_it_stops_after_the_seconds_given() -> None:
    clock = Clock()
    measure({"a": clock.taking("a", 1_000_000), "b": clock.taking("b", 3_000_000)}, seconds=2, clock=clock)
    assert 2.2 <= clock.now / 1e9 <= 2.25  # two warm-ups of 0.1 s, and the last round is finished


def test_a_slow_call_still_has_five_rounds() -> None:
    clock = Clock()
    samples = measure({"a": clock.taking("a", 10**10)}, seconds=1, clock=clock)
    assert samples == {"a": (10.0,) * 5}


def test_garbage_collection_is_off_meanwhile_and_on_again_after_a_failure() -> None:
    states = []

    def call() -> None:
        states.append(gc.isenabled())
        if len(states) > 5:
            raise ZeroDivisionError

    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError):
        measure({"a": call}, rounds=1, warm_up=0)
    assert states == [False] * 6
    assert gc.isenabled()


def test_progress_is_the_share_that_is_done() -> None:
    told: list[float] = []
    taken = interleave({"a": lambda: [1.0, 2.0], "b": lambda: [3.0]}, rounds=4, progress=told.append)
    assert told == [0.25, 0.5, 0.75, 1.0]
    assert taken == {"a": ((1.0, 2.0),) * 4, "b": ((3.0,),) * 4}


def test_nothing_to_time_is_nothing_timed() -> None:
    assert measure({}, seconds=60) == {}


def test_the_real_clock_tells_more_work_from_less() -> None:
    samples = measure({"less": lambda: sum(range(1_000)), "more": lambda: sum(range(20_000))}, rounds=10, warm_up=0.01)
    assert min(samples["more"]) > 3 * min(samples["less"])


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"seconds": 0}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"seconds": float("inf")}, "seconds"),
        ({"rounds": 0}, "rounds"),
        ({"warm_up": -1}, "warm_up"),
        ({"settle": -1}, "settle"),
    ],
)
def test_senseless_durations_are_refused(wrong: dict[str, float], named: str) -> None:
    with pytest.raises(BadInput, match=f"^{named} must be "):
        measure({"a": lambda: None}, **wrong)  # type: ignore[arg-type]
