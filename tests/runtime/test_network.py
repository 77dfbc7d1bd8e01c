from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from featherlight_runtime import FlightError, Network, Program, cpu
from toy_programs import mirror

ROW = np.arange(100, dtype=np.float32)
MIRRORED = ROW[::-1] + 3


@pytest.fixture
def program() -> Program:
    return mirror(100, 3)


def workers() -> int:
    return sum(thread.name == "featherlight" for thread in threading.enumerate())


def in_child(work: Callable[[], None]) -> bool:
    """Whether a forked child gets through the work within 20 seconds."""
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def check(network: Network) -> None:
    np.testing.assert_array_equal(network(ROW), MIRRORED)


def test_what_comes_out_belongs_to_the_caller(program: Program) -> None:
    with Network(program) as network:
        first, second = network(ROW), network(ROW + 1)
    np.testing.assert_array_equal(first, MIRRORED)
    np.testing.assert_array_equal(second, MIRRORED + 1)
    first += 1
    assert first.flags.owndata


def test_images_in_any_place_of_memory_are_taken(program: Program) -> None:
    wide = np.zeros((100, 3), np.float32)
    wide[:, 1] = ROW
    odd = np.frombuffer(b"\0" + ROW.tobytes(), np.uint8)[1:].view(np.float32)
    still = ROW.copy()
    still.flags.writeable = False
    with Network(program, 2) as network:
        for image in (wide[:, 1], ROW[::-1].copy()[::-1], odd, still):
            np.testing.assert_array_equal(network(image), MIRRORED)


@pytest.mark.parametrize(
    ("image", "got"),
    [
        (ROW.astype(np.float64), "float64"),
        (ROW.astype(">f4"), ">f4"),
        (ROW[:99], r"float32 \(99,\)"),
        (ROW[None], r"float32 \(1, 100\)"),
        (list(ROW), "list"),
    ],
)
def test_an_image_that_it_does_not_take_is_refused(program: Program, image: NDArray[Any], got: str) -> None:
    with Network(program) as network, pytest.raises(FlightError, match=rf"^an image .*float32 \(100,\); got {got}"):
        network(image)


def test_a_wrong_number_of_images_is_refused(program: Program) -> None:
    with Network(program) as network, pytest.raises(FlightError, match="must be given 1 array"):
        network(ROW, ROW)


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2", 10**6])
def test_threads_are_a_whole_number_above_0(program: Program, threads: int) -> None:
    with pytest.raises(FlightError, match=r"^threads must be a whole number from 1"):
        Network(program, threads)


def test_a_processor_without_the_instructions_is_named_them(program: Program) -> None:
    with pytest.raises(FlightError, match="lacks avx9, amx"):
        Network(replace(program, instructions=("sse2", "avx9", "amx")))


def test_where_the_processor_says_nothing_nothing_runs(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "flags", frozenset)
    with pytest.raises(FlightError, match="lacks sse2"):
        Network(program)


def test_a_closed_network_is_quiet_and_refuses(program: Program) -> None:
    network = Network(program, 3)
    check(network)
    assert workers() == 2
    network.close()
    network.close()
    assert workers() == 0
    with pytest.raises(FlightError, match="closed"):
        network(ROW)


def test_a_forgotten_network_sends_its_workers_home(program: Program) -> None:
    forgotten = Network(program, 3)
    check(forgotten)
    del forgotten
    gc.collect()
    assert workers() == 0


def test_several_networks_run_side_by_side_and_are_called_from_many_threads() -> None:
    networks = [Network(mirror(100, rounds), threads) for rounds, threads in ((3, 2), (2, 3), (31, 1))]
    expected = (ROW[::-1] + 3, ROW + 2, ROW[::-1] + 31)

    def right(number: int) -> bool:
        result = networks[number % 3](ROW + number)
        return bool((result == expected[number % 3] + number).all())

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(right, range(300)))
    for network in networks:
        network.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("threads", [1, 3])
def test_after_a_fork_both_sides_go_on(program: Program, threads: int) -> None:
    with Network(program, threads) as network:
        check(network)

        def child() -> None:
            for _ in range(50):
                check(network)
            assert in_child(lambda: check(network))
            network.close()

        assert in_child(child)
        check(network)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_in_the_middle_of_another_threads_calls_leaves_no_lock(program: Program) -> None:
    with Network(program, 2) as network:
        busy = threading.Event()

        def call() -> None:
            while not busy.is_set():
                check(network)

        caller = threading.Thread(target=call)
        caller.start()
        try:
            assert all(in_child(lambda: check(network)) for _ in range(10))
        finally:
            busy.set()
            caller.join()


def test_the_interpreter_ends_while_workers_wait_awake() -> None:
    code = """
import numpy as np
from toy_programs import mirror
from featherlight_runtime import Network, cpu
cpu.cores = lambda: 3
network = Network(mirror(100, 3), 3)
print(network(np.zeros(100, np.float32)).sum())
"""
    folder = os.path.dirname(__file__)
    environment = {**os.environ, "PYTHONPATH": os.path.join(folder, "..")}
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (0, "300.0\n", "")


def test_a_trace_says_where_the_time_goes() -> None:
    with Network(mirror(20_000, 200), 2) as network:
        copy_in, rounds, copy_out = network.trace(np.zeros(20_000, np.float32), calls=5)
    assert 0 < copy_in < rounds
    assert 0 < copy_out < rounds
    assert rounds < 1
