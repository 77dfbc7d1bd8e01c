"""What this machine is and whether its times can be trusted: asked first where a figure looks wrong."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from featherlight import __version__
from featherlight.cost import Ceilings
from featherlight.engines import ENGINES, Engine, torch_cuda
from featherlight.timing import NOISY, Machine, noise, this_machine

LIBRARIES = ("torch", "numpy", "llvmlite", "onnx")
QUIET = 0.1  # the noise that an idle machine stays below
BUSY = 0.5  # cores' worth of other work, from which on it is worth a word
GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


@dataclass(frozen=True)
class Installed:
    """An engine: its version, or why it cannot be used here and what to do."""

    name: str
    version: str | None
    reason: str | None


@dataclass(frozen=True)
class Checkup:
    """A machine looked over.

    all_cores     that the machine has; `machine.cores` are those that this process may use
    memory        bytes, None where the system does not tell
    libraries     versions, None for one that is not installed
    gpus          their names, as torch sees them
    noise         see `featherlight.timing.noise`
    load          cores' worth of work that wanted to run in the last minute, None where the system does not tell
    ceilings      of one thread, None where they were not asked for
    cache_bytes   that the cache folder takes
    hints         what could be better, a sentence each
    """

    machine: Machine
    all_cores: int
    memory: int | None
    python: str
    featherlight: str
    libraries: Mapping[str, str | None]
    engines: tuple[Installed, ...]
    gpus: tuple[str, ...]
    noise: float
    load: float | None
    ceilings: Ceilings | None
    cache: Path
    cache_bytes: int
    hints: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """The noise in words."""
        return verdict(self.noise)

    def to_json(self) -> dict[str, Any]:
        """What a program reads."""
        return {**asdict(self), "cache": str(self.cache), "verdict": self.verdict}


def verdict(unevenness: float) -> str:
    """What a `noise` means for times taken now."""
    if unevenness < QUIET:
        return "quiet: times can be trusted"
    if unevenness <= NOISY:
        return "uneven: differences of a few per cent mean nothing"
    return "noisy: near rivals cannot be told apart"


def check_up(*, quick: bool = False, progress: Callable[[str], None] = lambda doing: None) -> Checkup:
    """The machine at hand, looked over; `quick` leaves out its ceilings, which take seconds where no cache has them."""
    from featherlight.pretrained import cache_folder

    progress("listening to the machine")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None  # before anything here adds to it
    unevenness = noise()
    progress("looking for engines")
    machine, all_cores = this_machine(), os.cpu_count() or 1
    engines = tuple(_installed(engine) for engine in ENGINES.values())
    ceilings = None
    if not quick:
        from featherlight.timing import probe

        progress("measuring arithmetic and memory, or reading what was measured before")
        ceilings = probe.ceilings()
    return Checkup(
        machine,
        all_cores,
        _memory(),
        platform.python_version(),
        __version__,
        {name: _version(name) for name in LIBRARIES},
        engines,
        _gpus(),
        unevenness,
        load,
        ceilings,
        cache_folder(),
        _bytes_in(cache_folder()),
        tuple(_hints(machine, all_cores, engines, unevenness, load)),
    )


def _installed(engine: Engine) -> Installed:
    if reason := engine.missing():
        return Installed(engine.name, None, reason)
    try:
        return Installed(engine.name, engine.version(), None)
    except Exception as error:  # a library that is there and broken fails in ways of its own
        return Installed(engine.name, None, f"installed, but cannot be loaded: {' '.join(str(error).split())}")


def _hints(
    machine: Machine, all_cores: int, engines: tuple[Installed, ...], unevenness: float, load: float | None
) -> Iterator[str]:
    for engine in engines:
        if engine.reason and engine.name != torch_cuda.name:  # a machine without a GPU is none to mend
            yield engine.reason
    if load is not None and load >= BUSY:
        yield f"other programs had work for {load:.1f} of {all_cores} cores in the last minute: stop them before timing"
    if unevenness > NOISY:
        yield "times taken now are too long by an unknown share: wait for a quiet machine before you compare"
    if machine.cores < all_cores:
        yield f"this process may use {machine.cores} of {all_cores} cores: it was started so (taskset, a container)"
    if (governor := _text(GOVERNOR)) not in ("", "performance"):
        yield f"the clock's governor is {governor}: set it to performance for times that repeat"
    if machine.system.endswith(("x86_64", "AMD64")) and machine.instruction_sets and not _has(machine, "avx2"):
        yield "the CPU has no AVX2: networks take two to four times as long as on one that has it"


def _has(machine: Machine, name: str) -> bool:
    return name in machine.instruction_sets


def _gpus() -> tuple[str, ...]:
    if _version("torch") is None:
        return ()
    import torch

    return tuple(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not on Windows
        return None


def _bytes_in(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
