from __future__ import annotations

import numpy as np
import pytest

from featherlight.engines import Running, measure
from featherlight.engines.running import Array
from featherlight.timing import Target, this_machine


def running(side: int, work: int, threads: int = 1) -> Running:
    def run(images: Array) -> Array:
        sum(range(work))
        return images[:, 0, 0]

    return Running(Target("none", "0", threads, "f32", 1, this_machine()), (1, 3, side, side), run)


@pytest.mark.parametrize("threads", [1, 2])
def test_each_rival_has_its_own_time_and_target(threads: int) -> None:
    rivals = {"quick": running(4, 1_000), "slow": running(8, 100_000, threads)}
    times = measure(rivals, rounds=3)
    assert list(times) == ["quick", "slow"]
    assert times["slow"].p10 > 3 * times["quick"].p10
    assert all(times[name].target == rivals[name].target for name in rivals)
    assert all(time.runs >= 3 for time in times.values())


def test_rivals_of_one_shape_are_given_the_same_images() -> None:
    seen: dict[str, Array] = {}

    def remember(name: str) -> Running:
        def run(images: Array) -> Array:
            seen[name] = images
            return images[:, 0, 0]

        return Running(Target("none", "0", 1, "f32", 1, this_machine()), (1, 3, 4, 4), run)

    measure({"a": remember("a"), "b": remember("b")}, rounds=1)
    assert np.array_equal(seen["a"], seen["b"])
    assert seen["a"].std() > 0.5
