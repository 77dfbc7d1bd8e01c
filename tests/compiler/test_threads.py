"""The threading that is compiled into a network, run by the runtime."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from featherlight_runtime import Network, cpu
from featherlight_runtime.memory import executable
from toy_programs import mirror

THREADS = (1, 2, 3, 8)
ROW = np.arange(100, dtype=np.float32)


@pytest.fixture(params=[1, 64], ids=["crowded", "roomy"], autouse=True)
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With more threads than cores they sleep at once, else they wait awake at first; both ways are right anywhere."""
    monkeypatch.setattr(cpu, "cores", lambda: request.param)


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("rounds", [0, 1, 2, 9])
def test_all_threads_meet_at_every_barrier_of_every_inference(threads: int, rounds: int) -> None:
    with Network(mirror(100, rounds), threads) as network:
        for call in range(20):
            expected = (ROW[::-1] if rounds % 2 else ROW) + call + rounds
            np.testing.assert_array_equal(network(ROW + call), expected)


@pytest.mark.parametrize("threads", [2, 8])
def test_threads_that_slept_are_woken(threads: int) -> None:
    with Network(mirror(100, 3), threads) as network:
        for _ in range(20):
            ctypes.CDLL(None).usleep(1000)  # longer than a thread waits awake
            np.testing.assert_array_equal(network(ROW), ROW[::-1] + 3)


def test_denormals_are_zero_inside_and_nothing_changes_outside() -> None:
    tiny = np.full(100, 1e-40, np.float32)
    assert tiny[0] * np.float32(1) > 0
    for threads in (1, 2):
        with Network(mirror(100, 1, 0.0), threads) as network:
            assert not network(tiny).any()
    assert tiny[0] * np.float32(1) > 0


def test_the_code_has_no_word_of_its_own_to_write_to() -> None:
    program = mirror()
    assert set(program.entries) == {"start", "serve", "stop"}
    assert executable(program.code).ctypes.data % 4096 == 0
