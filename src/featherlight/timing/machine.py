"""Which machine this is: what a time must name to mean anything."""

from __future__ import annotations

import functools
import os
import platform
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# What the kernels of an engine choose by, in the names of Linux' /proc/cpuinfo: x86-64 above, ARM below. macOS has
# other names for the same sets.
_TELLING = (
    *("sse4_2", "avx", "f16c", "fma", "avx2", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni"),
    *("avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16"),
    *("asimd", "fphp", "asimdhp", "asimddp", "bf16", "i8mm", "sve", "sve2", "sme"),
)
_ON_MACOS = {
    "SSE4.2": "sse4_2",
    "AVX1.0": "avx",
    "F16C": "f16c",
    "FMA": "fma",
    "AVX2": "avx2",
    "AVX512F": "avx512f",
    "AVX512BW": "avx512bw",
    "AVX512VL": "avx512vl",
    "AVX512VNNI": "avx512_vnni",
    "AdvSIMD": "asimd",
    "FEAT_FP16": "asimdhp",
    "FEAT_DotProd": "asimddp",
    "FEAT_BF16": "bf16",
    "FEAT_I8MM": "i8mm",
    "FEAT_SME": "sme",
}


@dataclass(frozen=True)
class Machine:
    """A machine as far as its times depend on it: two machines that differ here do not share times."""

    cpu: str
    cores: int  # those that this process may use
    instruction_sets: tuple[str, ...]  # the SIMD ones, oldest first, named as Linux names them
    system: str  # such as "Linux x86_64"


@functools.cache
def this_machine() -> Machine:
    """The machine that this process runs on; "unknown" where the system does not tell (Linux and macOS do)."""
    system = f"{platform.system()} {platform.machine()}"
    if platform.system() == "Linux":
        cpu, sets = from_cpuinfo(_text(Path("/proc/cpuinfo")), _text(Path("/proc/device-tree/model")))
    elif platform.system() == "Darwin":
        cpu, sets = from_sysctl(_output("sysctl", "machdep.cpu", "hw.optional"))
    else:
        cpu, sets = platform.processor(), ()
    return Machine(cpu or "unknown", _usable_cores(), sets, system)


def from_cpuinfo(cpuinfo: str, board: str = "") -> tuple[str, tuple[str, ...]]:
    """The CPU's name and SIMD sets in the text of Linux' /proc/cpuinfo, and in the board's name where there is one.

    ARM's cpuinfo has no name but numbers of maker and part, so there the board is named (``Raspberry Pi 5 Model B``).
    Virtual machines shorten an x86 name (``AMD EPYC``): without a digit in it, family and model are added.
    """
    fields = _fields(cpuinfo)
    name = fields.get("model name", "")
    if name and not re.search(r"\d", name):
        name = f"{name} (family {fields.get('cpu family')}, model {fields.get('model')})"
    if not name and "CPU part" in fields:
        core = f"implementer {fields.get('CPU implementer')}, part {fields['CPU part']}"
        name = f"{board.strip(chr(0)).strip()} ({core})".strip() if board else f"ARM ({core})"
    return name, _telling(fields.get("flags", fields.get("Features", "")).split())


def from_sysctl(listing: str) -> tuple[str, tuple[str, ...]]:
    """The CPU's name and SIMD sets in what ``sysctl machdep.cpu hw.optional`` prints on macOS (Intel or Apple)."""
    fields = _fields(listing)
    named = f"{fields.get('machdep.cpu.features', '')} {fields.get('machdep.cpu.leaf7_features', '')}".split()
    switched_on = [key.rsplit(".", 1)[-1] for key, value in fields.items() if key.startswith("hw.") and value == "1"]
    sets = _telling(_ON_MACOS[name] for name in (*named, *switched_on) if name in _ON_MACOS)
    return fields.get("machdep.cpu.brand_string", ""), sets


def _telling(sets: Iterable[str]) -> tuple[str, ...]:
    present = set(sets)
    return tuple(name for name in _TELLING if name in present)


def _fields(listing: str) -> dict[str, str]:
    """The ``key: value`` lines; of a key that comes again, as once a core in cpuinfo, the first."""
    fields: dict[str, str] = {}
    for line in listing.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip(), value.strip())
    return fields


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
