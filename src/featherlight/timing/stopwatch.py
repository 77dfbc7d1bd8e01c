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
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

from featherlight.errors import must_be

Call = Callable[[], object]
Clock = Callable[[], int]  # nanoseconds, never going backwards
Turn = Callable[[], Sequence[float]]  # takes a rival's turn and gives its samples, seconds a call
Rounds = tuple[tuple[float, ...], ...]  # the samples of each turn, in the order of the rounds

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

    Before the first round each call runs for `warm_up` seconds and twice at least. A turn's untimed calls take `settle`
    seconds: more than rivals' threads go on spinning. Calls quicker than 0.1 ms are timed several at once, and a sample
    is their mean. Garbage collection is off meanwhile. For `seconds` and `rounds` see `interleave`. An exception of a
    call ends the measurement.
    """
    turns = {name: ready(call, warm_up=warm_up, settle=settle, clock=clock) for name, call in calls.items()}
    taken = interleave(turns, seconds=seconds, rounds=rounds, clock=clock)
    return {name: tuple(chain.from_iterable(samples)) for name, samples in taken.items()}


def ready(call: Call, *, warm_up: float = 0.1, settle: float = 0.001, clock: Clock = time.perf_counter_ns) -> Turn:
    """The turns of a call, after it was warmed up: see `measure`."""
    for name, duration in (("warm_up", warm_up), ("settle", settle)):
        if not 0 <= duration < math.inf:
            raise must_be(name, "a number of seconds, 0 or more", duration)
    with _garbage_collection_off():
        quickest = _warm_up(call, warm_up, clock)

    def turn() -> list[float]:
        nonlocal quickest
        with _garbage_collection_off():
            times = _turn(call, quickest, round(settle * 1e9), clock)
        # A warm-up that was disturbed would make this rival's turns other than the rest's, and with them its times.
        quickest = max(1, min(quickest, round(1e9 * min(times))))
        return times

    return turn


def interleave(
    turns: Mapping[str, Turn],
    *,
    seconds: float = 2.0,
    rounds: int | None = None,
    clock: Clock = time.perf_counter_ns,
    progress: Callable[[float], None] = lambda share: None,
) -> dict[str, Rounds]:
    """The samples of each rival's turns, where all have one turn a round, in an order shuffled anew.

    Goes on for `seconds` in all (and five rounds at least), or for exactly `rounds` rounds where given. `progress` is
    told after each round what share is done, from 0 to 1.
    """
    if not 0 < seconds < math.inf:
        raise must_be("seconds", "a number above 0", seconds)
    if rounds is not None and rounds < 1:
        raise must_be("rounds", "a whole number above 0", rounds)
    order = list(turns)
    shuffle = random.Random(0).shuffle
    taken: dict[str, list[tuple[float, ...]]] = {name: [] for name in turns}
    start, done, share = clock(), 0, 0.0
    while turns and share < 1:
        shuffle(order)
        for name in order:
            taken[name].append(tuple(turns[name]()))
        done += 1
        share = done / rounds if rounds else min(done / LEAST_ROUNDS, (clock() - start) / (seconds * 1e9))
        progress(min(1.0, share))
    return {name: tuple(samples) for name, samples in taken.items()}


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


@contextlib.contextmanager
def _garbage_collection_off() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
