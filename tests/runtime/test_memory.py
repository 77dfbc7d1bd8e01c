"""A network leaves nothing behind, neither in calls nor in coming and going."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from featherlight_runtime import Network, flight, load
from featherlight_runtime.memory import aligned
from toy_programs import mirror

ROW = np.arange(100, dtype=np.float32)
SLACK = 1 << 20  # bytes: what Python's own allocator comes and goes by


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def mapped() -> int:
    return len(Path("/proc/self/maps").read_text().splitlines())


def test_a_hundred_thousand_inferences_take_no_memory() -> None:
    with Network(mirror(100, 0), 1) as alone, Network(mirror(100, 1), 2) as together:

        def infer(times: int) -> None:
            for _ in range(times):
                alone(ROW)
            for _ in range(times // 10):
                together(ROW)

        infer(20_000)  # until Python's allocator has what it needs
        before = resident()
        infer(91_000)
        assert resident() - before < SLACK


def test_a_thousand_networks_come_and_go(tmp_path: Path) -> None:
    path = tmp_path / "net.flight"
    path.write_bytes(flight.pack(mirror(100_000, 0)))  # 0.8 MB of arena each
    row = np.zeros(100_000, np.float32)

    def come_and_go(times: int, close: bool) -> None:
        for _ in range(times):
            network = load(path, threads=2)
            network(row)
            if close:
                network.close()

    come_and_go(50, True)
    before, maps = resident(), mapped()
    come_and_go(500, True)
    come_and_go(500, False)  # forgotten ones as well
    assert resident() - before < SLACK
    assert mapped() - maps < 10


def test_weights_of_a_loaded_file_are_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "net.flight"
    path.write_bytes(flight.pack(mirror()))
    weights = flight.read(path).weights
    assert np.shares_memory(aligned(weights), np.frombuffer(weights, np.uint8))
