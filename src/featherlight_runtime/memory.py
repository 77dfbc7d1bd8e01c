"""Memory that belongs to a network alone: pages of zeros, and pages of machine code."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import mmap
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from featherlight_runtime.errors import FlightError
from featherlight_runtime.program import Bytes

HUGE = 1 << 21  # bytes of a huge page
FEW = HUGE // 4  # bytes up to which pages are small
ALIGNMENT = 64  # bytes, of everything that a network reads but its images

Pages: TypeAlias = NDArray[np.uint8]


def pages(size: int) -> Pages:
    """That many bytes of zero from a page's beginning on; they go back to the system with the array.

    They are private: after a fork each process has its own. Where there are many, they are asked for as huge ones: a
    kernel that walks through a map by columns touches more small pages than a processor keeps the addresses of.
    """
    if size < FEW:
        return _mapped(max(size, 1))
    held = _mapped(-(-size // HUGE) * HUGE + HUGE)
    start = -held.ctypes.data % HUGE
    return held[start : start + size]


def aligned(data: Bytes) -> Pages:
    """The bytes at an aligned address: themselves where they are at one, else a copy."""
    there = np.frombuffer(data, np.uint8) if len(data) else pages(0)
    if there.ctypes.data % ALIGNMENT == 0:
        return there
    copy = pages(len(data))
    copy[:] = there
    return copy


def executable(code: Bytes) -> Pages:
    """The code in pages that can be read and run; they are never open for writing and running at once."""
    held = pages(len(code))
    held[:] = np.frombuffer(code, np.uint8)
    if _protect()(held.ctypes.data, held.size, mmap.PROT_READ | mmap.PROT_EXEC):
        raise FlightError("the system must let a program run code that it loaded; here it does not (mprotect)")
    return held


def _mapped(size: int) -> Pages:
    memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if size > HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # a system without them
            memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, np.uint8)


@functools.cache
def _protect() -> Callable[[int, int, int], int]:
    protect = ctypes.CDLL(None).mprotect
    protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return protect
