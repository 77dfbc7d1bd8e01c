"""What this machine's arithmetic and memory can do, measured in a few seconds: the ceilings of a roofline.

- arithmetic: multiply-adds of float32 in registers alone (`compiler/peak.py`), which no kernel beats. On a machine that
  our compiler makes no code for it is a matrix product of NumPy, which a kernel may beat: a BLAS library that knows the
  processor reaches nine tenths of what the silicon can, another less than half (OpenBLAS on an AMD Zen 5).
- memory: copies of arrays, from ones that fit a core's own cache to ones beyond every cache. Bytes read and bytes
  written count; the lines that a cache fetches only to overwrite them do not.

Each figure is the quickest of several samples, since other work can only lengthen one. They are kept for each CPU and
number of threads in the cache folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np

from featherlight.cost import Bandwidth, Ceilings
from featherlight.errors import Failure, must_be
from featherlight.files import cache_folder, write_json
from featherlight.timing.machine import Machine, this_machine
from featherlight.timing.measurement import NOISY
from featherlight.timing.noise import noise
from featherlight.timing.stopwatch import measure

VERSION = 2  # of the way to measure: what was kept by another one is not used
SIDE = 1024  # of the matrices: a product takes some 20 ms on a core and stays in its second cache by blocks
FOOTPRINTS = (1 << 18, 1 << 21, 1 << 24, 1 << 28)  # bytes a thread; the last is beyond a server's last cache
SECONDS = 2.0  # of each of the two measurements

# What the BLAS libraries that NumPy comes with read when they are loaded.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def ceilings(threads: int = 1, *, folder: Path | None = None, fresh: bool = False) -> Ceilings:
    """What this machine can do on `threads` threads: as an earlier probe found it, or probed now.

    What was probed is kept in `folder` (that of the caches), unless the machine was too busy (`noisy`) to trust it. A
    file of another CPU, system, number of cores or way to measure is never used; `fresh` probes again. Raises BadInput
    unless `threads` is a whole number above 0, Failure where the probe breaks.
    """
    if threads < 1:
        raise must_be("threads", "a whole number above 0", threads)
    machine = this_machine()
    path = (folder or cache_folder()) / "ceilings" / _file_name(machine, threads)
    found = None if fresh else _read(path, machine, threads)
    if found is None:
        found = replace(_in_a_process_of_its_own(threads), noisy=noise() > NOISY)
        if not found.noisy:
            with contextlib.suppress(OSError):  # a cache that cannot be written costs another probe and no more
                write_json(path, _header(machine, threads) | {"ceilings": asdict(found)})
    return found


def probe(
    threads: int, *, side: int = SIDE, footprints: tuple[int, ...] = FOOTPRINTS, seconds: float = SECONDS
) -> Ceilings:
    """The ceilings measured in this process, whose BLAS library must have been told of its threads before it loaded."""
    arithmetic = _in_registers(threads, seconds) if _compiles_for_this_machine() else _product(side, seconds)
    with ThreadPoolExecutor(threads) as pool:
        copies = {str(footprint): _copies(pool, threads, footprint) for footprint in footprints}
        samples = measure(copies, seconds=seconds)
    rates = [threads * footprint / min(samples[str(footprint)]) for footprint in footprints]
    # A larger footprint is never faster; where noise says so, the faster figure is right.
    rates = [max(rates[at:]) for at in range(len(rates))]
    bandwidths = tuple(Bandwidth(threads * f, rate) for f, rate in zip(footprints, rates, strict=True))
    return Ceilings(arithmetic, bandwidths)


def _compiles_for_this_machine() -> bool:
    from featherlight.compiler.instruction_set import INSTRUCTION_SETS

    return any(each.runs_here() for each in INSTRUCTION_SETS.values())


def _in_registers(threads: int, seconds: float) -> float:
    """Multiply-adds a second, over the quickest of the processor's vectors."""
    from featherlight.compiler import peak  # here: it loads LLVM

    times = measure(peak.loops(threads), seconds=seconds)
    return threads * peak.WORK / min(map(min, times.values()))


def _product(side: int, seconds: float) -> float:
    """Multiply-adds a second of NumPy's product of two matrices."""
    a, b = (np.random.default_rng(seed).standard_normal((side, side), np.float32) for seed in (0, 1))
    product = np.empty_like(a)
    return side**3 / min(measure({"product": lambda: np.matmul(a, b, out=product)}, seconds=seconds)["product"])


def _copies(pool: ThreadPoolExecutor, threads: int, footprint: int) -> Callable[[], object]:
    """Each thread copies an array of half the footprint to another; NumPy lets go of the interpreter meanwhile."""
    pairs = [(np.ones(footprint // 8, np.float32), np.ones(footprint // 8, np.float32)) for _ in range(threads)]
    if threads == 1:
        return partial(np.copyto, *pairs[0])
    return lambda: list(pool.map(lambda pair: np.copyto(*pair), pairs))


def _in_a_process_of_its_own(threads: int) -> Ceilings:
    # A BLAS library reads its number of threads once, when it is loaded; here it has been.
    code = f"from featherlight.timing.probe import main; main({threads}, {SECONDS})"
    environment = os.environ | dict.fromkeys(_THREADS, str(threads))
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(
            f"the probe of this machine's arithmetic and memory broke: {' '.join(done.stderr.split())[-200:]}"
        )
    return _ceilings(json.loads(done.stdout))


def main(threads: int, seconds: float) -> None:
    """Print the probe's ceilings as JSON: what the process that measures them runs."""
    print(json.dumps(asdict(probe(threads, seconds=seconds))))


def _read(path: Path, machine: Machine, threads: int) -> Ceilings | None:
    """What was kept; None where nothing was, where its header is another, or where it cannot be read."""
    try:
        document = json.loads(path.read_text("utf-8"))
        header = json.loads(json.dumps(_header(machine, threads)))
        if any(document[name] != told for name, told in header.items()):
            return None
        return _ceilings(document["ceilings"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _header(machine: Machine, threads: int) -> dict[str, object]:
    """What figures are of: those of a file hold where its header is this one."""
    return {"version": VERSION, "machine": asdict(machine), "threads": threads}


def _ceilings(document: dict[str, object]) -> Ceilings:
    bandwidths = document["bandwidths"]
    if not isinstance(bandwidths, list):
        raise TypeError("bandwidths")
    rates = tuple(Bandwidth(int(each["footprint"]), float(each["bytes_per_second"])) for each in bandwidths)
    return Ceilings(float(str(document["multiply_adds_per_second"])), rates)


def _file_name(machine: Machine, threads: int) -> str:
    """One file a machine and number of threads."""
    return f"{hashlib.sha256(repr(machine).encode()).hexdigest()[:16]}-{threads}.json"
