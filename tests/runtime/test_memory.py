"""A network leaves nothing behind, neither in calls nor in coming and going."""

from __future__ import annotations

import gc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import compiled_here
from featherlight.graph import Builder, Graph, Tensor, kinds
from featherlight_runtime import Network, flight, load
from featherlight_runtime.memory import aligned
from toy_programs import mirror

ROW = np.arange(100, dtype=np.float32)
STRETCHES = 4


def held() -> int:
    """Bytes that the process has of its own, in memory or swapped out."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "VmSwap")))


def least_growth(work: Callable[[], None]) -> int:
    """By how many bytes the process grew in the best of several stretches of work.

    A leak shows in every one. Python's allocator takes a MiB at a time, seldom, and shows in one of them.
    """
    work()
    sizes = [held()]
    for _ in range(STRETCHES):
        work()
        gc.collect()
        sizes.append(held())
    return min(after - before for before, after in pairwise(sizes))


def classifier() -> Graph:
    """A convolution, a depthwise and a pointwise one, their mean, and scores."""
    builder = Builder()
    random = np.random.default_rng(0)

    def add(kind: kinds.Kind, x: str, *shape: int) -> str:
        weights = [builder.constant("w", random.standard_normal(shape).astype(np.float32))] if shape else []
        return builder.add(kind, [x, *weights], "y")[0]

    x = builder.input("images", Tensor((1, 3, 16, 16)))
    x = add(kinds.Activation("relu"), add(kinds.Convolution((2, 2), (1, 1, 1, 1)), x, 8, 3, 3, 3))
    x = add(kinds.Convolution((1, 1), (1, 1, 1, 1), groups=8), x, 8, 1, 3, 3)
    x = add(kinds.Mean((2, 3), keep_axes=False), add(kinds.Convolution(), x, 16, 8, 1, 1))
    return builder.graph([add(kinds.Linear(), x, 10, 16)])


@pytest.mark.parametrize(("threads", "calls"), [(1, 25_000), (2, 2_000)])
def test_a_hundred_thousand_inferences_take_no_memory(threads: int, calls: int) -> None:
    with Network(mirror(100, 1), threads) as network:

        def infer() -> None:
            for _ in range(calls):
                network(ROW)

        assert least_growth(infer) < 4 * calls  # bytes


def test_a_thousand_networks_come_and_go(tmp_path: Path) -> None:
    path = tmp_path / "net.flight"
    path.write_bytes(flight.pack(mirror(100_000, 0)))  # 0.8 MB of arena each
    row = np.zeros(100_000, np.float32)

    def come_and_go() -> None:
        for number in range(1000 // STRETCHES):
            network = load(path, threads=2)
            network(row)
            if number % 2:
                network.close()  # every other one is forgotten instead

    come_and_go()
    maps = len(Path("/proc/self/maps").read_text().splitlines())
    assert least_growth(come_and_go) < 200_000
    assert len(Path("/proc/self/maps").read_text().splitlines()) - maps < 10


def test_a_real_network_leaves_nothing_behind_either(tmp_path: Path) -> None:
    path = tmp_path / "net.flight"
    path.write_bytes(flight.pack(compiled_here.program(classifier())))
    image = np.zeros((1, 3, 16, 16), np.float32)

    def come_and_go() -> None:
        for _ in range(50):
            with load(path, threads=2) as network:
                for _ in range(20):
                    network(image)

    assert least_growth(come_and_go) < 10_000


def test_weights_of_a_loaded_file_are_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "net.flight"
    path.write_bytes(flight.pack(mirror()))
    weights = flight.read(path).weights
    assert np.shares_memory(aligned(weights), np.frombuffer(weights, np.uint8))
