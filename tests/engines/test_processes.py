"""Rivals in processes of their own: their times, and what becomes of the processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from featherlight.engines import ModuleSource, Rival, measure_apart
from featherlight.errors import BadInput, Failure
from featherlight.timing import tell_apart
from rivals import Mortal, TwoFaced, write_convolutions

SHAPE = (3, 8, 8)
PROC = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc what became of a process")


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Every process that is started; when the test ends all of them must have ended."""
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def popen(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(real(*arguments, **options))
        return started[-1]

    monkeypatch.setattr("featherlight.engines.processes.subprocess.Popen", popen)
    yield started
    assert all(process.returncode is not None for process in started)


def test_each_rival_has_its_own_process_time_and_target(
    tmp_path: Path, processes: list[subprocess.Popen[bytes]]
) -> None:
    told: list[str] = []
    few, many = write_convolutions(tmp_path / "few.onnx", 2), write_convolutions(tmp_path / "many.onnx", 12)
    rivals = {"few": Rival("onnxruntime", few), "many": Rival("onnxruntime", many, threads=2)}
    times = measure_apart(rivals, rounds=8, progress=lambda doing, share: told.append(f"{doing} {share:.2f}"))
    assert len({process.pid for process in processes}) == 2
    assert list(times) == ["few", "many"]
    assert [len(timed.rounds) for timed in times.values()] == [8, 8]
    assert [timed.measurement.target.threads for timed in times.values()] == [1, 2]
    assert tell_apart(times["few"].rounds, times["many"].rounds).ratio < 1
    assert told[:3] == ["building 0.00", "building 0.50", "timing 0.12"]
    assert told[-1] == "timing 1.00"


@pytest.mark.usefixtures("processes")
def test_the_death_of_a_process_is_a_failure_that_names_the_rival(tmp_path: Path) -> None:
    torch_rival = Rival("torch", ModuleSource(Mortal(10), SHAPE))
    rivals = {"net": Rival("onnxruntime", write_convolutions(tmp_path / "net.onnx", 1)), "mortal": torch_rival}
    with pytest.raises(
        Failure,
        match=r"^the process that ran mortal died \(exit code 7\): .*out of memory, says a library$",
    ):
        measure_apart(rivals, rounds=5)


@pytest.mark.usefixtures("processes")
def test_an_engine_that_disagrees_in_its_process_is_found_out() -> None:
    with pytest.raises(Failure, match=r"^two-faced: torch must agree with the torch module to "):
        measure_apart({"two-faced": Rival("torch", ModuleSource(TwoFaced(), SHAPE))}, rounds=1)


@pytest.mark.usefixtures("processes")
def test_what_an_engine_cannot_run_is_refused_by_the_rivals_name(tmp_path: Path) -> None:
    source = write_convolutions(tmp_path / "net.onnx", 1)
    with pytest.raises(BadInput, match=r"^net: the engine torch runs torch modules; got .*net\.onnx$"):
        measure_apart({"net": Rival("torch", source)}, rounds=1)
    with pytest.raises(BadInput, match=r"^engine must be a known name; got 'onnx'"):
        measure_apart({"net": Rival("onnx", source)}, rounds=1)


def test_a_module_that_cannot_be_sent_is_refused() -> None:
    class Local(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.mean((2, 3))

    with pytest.raises(BadInput, match=r"^net cannot be sent to a process of its own: .*Local"):
        measure_apart({"net": Rival("torch", ModuleSource(Local(), SHAPE))}, rounds=1)


@pytest.mark.usefixtures("processes")
def test_whatever_stops_the_rounds_ends_the_processes(tmp_path: Path) -> None:
    def stop(doing: str, share: float) -> None:
        if doing == "timing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_apart({"net": Rival("onnxruntime", write_convolutions(tmp_path / "net.onnx", 1))}, progress=stop)


SCRIPT = """
import signal, subprocess, sys
from pathlib import Path
from featherlight.engines import OnnxSource, Rival, measure_apart
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins with it ignored
from featherlight.engines import processes
def tell(doing, share):
    if doing == "timing":
        print(*pids, flush=True)
pids, real = [], subprocess.Popen
def popen(*arguments, **options):
    process = real(*arguments, **options)
    pids.append(process.pid)
    return process
processes.subprocess.Popen = popen
measure_apart({"a": Rival("onnxruntime", OnnxSource(Path(sys.argv[1])))}, seconds=600, progress=tell)
"""


@PROC
@pytest.mark.parametrize("stop", [os.killpg, os.kill], ids=["Ctrl-C of a terminal", "killed alone"])
def test_no_process_outlives_the_one_that_started_it(tmp_path: Path, stop: Callable[[int, int], None]) -> None:
    write_convolutions(tmp_path / "net.onnx", 1)
    parent = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "net.onnx")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    (worker,) = map(int, parent.stdout.readline().split())
    assert alive(worker)
    stop(parent.pid, signal.SIGINT if stop is os.killpg else signal.SIGKILL)
    _, errors = parent.communicate(timeout=30)
    assert errors.count("Traceback") <= 1, "the worker says nothing of its own"
    until = time.monotonic() + 30
    while alive(worker):
        assert time.monotonic() < until
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended may wait for its parent to ask."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
