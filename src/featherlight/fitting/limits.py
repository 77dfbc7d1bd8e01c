"""Limits beside the time: how large the file of weights may be, and how much memory the network may take."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import torch
from torch import nn

from featherlight.cost import memory
from featherlight.engines import ModuleSource
from featherlight.errors import must_be
from featherlight.fitting.candidates import Candidate
from featherlight.fitting.select import Verdict

_BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}

# safetensors' names of the two types that a network's tensors have.
_DTYPES = {torch.float32: "F32", torch.int64: "I64"}


def parse_bytes(what: str, text: str | int) -> int:
    """The bytes in "5MB", "500 kB" or "1.5MiB"; a whole number is bytes. Raises BadInput for anything else."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([kmg]?i?b)\s*", text.lower()) if isinstance(text, str) else None
    number = float(match[1]) * _BYTES[match[2]] if match and match[2] in _BYTES else text
    if isinstance(number, str | bool) or not number >= 1:
        raise must_be(what, "a size above 0 such as 5MB, 500kB or 2MiB", text)
    return int(number)


def show_bytes(number: int) -> str:
    """Bytes as people read them, with three digits: "1.47 MB", "500 kB"."""
    size, unit = (number / 1e6, "MB") if number >= 1e6 else (number / 1e3, "kB")
    return f"{float(f'{size:.3g}'):.12g} {unit}"


@dataclass(frozen=True)
class Limits:
    """In bytes, None where there is none: `size` of the file of weights, `memory` of weights and activations."""

    size: int | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Breach:
    """A candidate that breaks a limit, and by what it does: the bytes it has."""

    candidate: Candidate
    verdict: Verdict
    bytes: int


def breach(candidate: Candidate, source: ModuleSource, limits: Limits) -> Breach | None:
    """The first limit that a candidate breaks, None where it keeps them all."""
    broken = broken_limit(source, limits)
    return Breach(candidate, *broken) if broken else None


def broken_limit(source: ModuleSource, limits: Limits) -> tuple[Verdict, int] | None:
    """The first limit that a network breaks, and the bytes it has; None where it keeps them all.

    The file's size is told from the module alone; only where memory is limited is it traced, which takes seconds.
    """
    if limits.size is not None and (size := weights_file_bytes(source.module)) > limits.size:
        return "too large", size
    if limits.memory is not None and (total := memory(source.graph).total) > limits.memory:
        return "too much memory", total
    return None


def weights_file_bytes(model: nn.Module) -> int:
    """How large the file of `model`'s weights will be, to the byte, as safetensors writes it.

    Eight bytes, a header of JSON padded to a multiple of eight, the tensors: those of wider types first, then by name.
    """
    tensors = model.state_dict()
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in sorted(tensors, key=lambda name: (-tensors[name].element_size(), name)):
        start, end = end, end + tensors[name].numel() * tensors[name].element_size()
        header[name] = {
            "dtype": _DTYPES[tensors[name].dtype],
            "shape": list(tensors[name].shape),
            "data_offsets": [start, end],
        }
    written = len(json.dumps(header, separators=(",", ":")).encode())
    return 8 + -(-written // 8) * 8 + end
