"""The stopwatch: calls timed side by side, so that whatever disturbs the machine disturbs all of them.

Rivals timed one after the other meet different noise, and the unlucky one looks slow. Here time is cut into rounds; in
a round every call has one turn, in an order shuffled anew, so a slow minute of the machine is shared. A turn begins
with a call or more that are not timed: they bring the call's own weights back into the caches, as in steady use. (A
network of 0.17 ms, timed in turn with one of 9 ms, looked 2.5 times slower without them.)
"""

from __future__ import annotations

import contextlib
import gc
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping

from featherlight.errors import must_be

Call = Callable[[], object]
Clock = Callable[[], int]  # nanoseconds, never going backwards

SAMPLE_NS = 100_000  # the shortest sample: reading the clock costs some 0.1 us, a thousandth of it
TURN_NS = (
    5_000_000  # its timed calls take about this long, so a slow call is timed once a turn and a quick one a few times
)
TURN_SAMPLES = 5  # samples a turn at most: the more in one turn, the less the rivals share their noise
LEAST_ROUNDS = 5


def measure(
    calls: Mapping[str, Call],
    *,
    seconds: float = 2.0,
    rounds: int | None = None,
    warm_up: float = 0.1,
    settle: float = 0.001,
    clock: Clock = time.perf_counter_ns,
) -> dict[str, tuple[float, ...]]:
    """The samples of each call, in seconds a call, in the order in which they were taken.

    Goes on for `seconds` in all (and five rounds at least), or for exactly `rounds` rounds where given. Before that,
    each call runs for `warm_up` seconds and twice at least. A turn's untimed calls take `settle` seconds: more than
    rivals' threads go on spinning. Calls quicker than 0.1 ms are timed several at once, and a sample is their mean.
    Garbage collection is off meanwhile. An exception of a call ends the measurement.
    """
    _check(seconds, rounds, warm_up, settle)
    order = list(calls)
    shuffle = random.Random(0).shuffle
    samples: dict[str, list[float]] = {name: [] for name in calls}
    with _garbage_collection_off():
        quickest = {name: _warm_up(call, warm_up, clock) for name, call in calls.items()}
        stop = clock() + round(seconds * 1e9)
        done = 0
        while calls and (done < rounds if rounds is not None else done < LEAST_ROUNDS or clock() < stop):
            shuffle(order)
            for name in order:
                samples[name] += _turn(calls[name], quickest[name], round(settle * 1e9), clock)
            done += 1
    return {name: tuple(times) for name, times in samples.items()}


def _turn(call: Call, quickest: int, settle: int, clock: Clock) -> list[float]:
    repeats = -(-SAMPLE_NS // quickest)
    count = min(TURN_SAMPLES, max(1, TURN_NS // (repeats * quickest)))
    for _ in range(max(1, settle // quickest)):
        call()
    times = []
    for _ in range(count):
        start = clock()
        for _ in range(repeats):
            call()
        times.append((clock() - start) / repeats / 1e9)
    return times


def _warm_up(call: Call, seconds: float, clock: Clock) -> int:
    """The quickest call's time in nanoseconds (1 at least). The first call does not count."""
    call()
    begin = start = clock()
    quickest = math.inf
    while quickest == math.inf or start - begin < seconds * 1e9:
        call()
        end = clock()
        quickest = min(quickest, end - start)
        start = end
    return max(1, int(quickest))


def _check(seconds: float, rounds: int | None, warm_up: float, settle: float) -> None:
    if not 0 < seconds < math.inf:
        raise must_be("seconds", "a number above 0", seconds)
    if rounds is not None and rounds < 1:
        raise must_be("rounds", "a whole number above 0", rounds)
    for name, duration in (("warm_up", warm_up), ("settle", settle)):
        if not 0 <= duration < math.inf:
            raise must_be(name, "a number of seconds, 0 or more", duration)


@contextlib.contextmanager
def _garbage_collection_off() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
