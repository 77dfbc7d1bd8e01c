"""Kernels that a team of threads runs in parts: how one is declared, compiled and called.

A kernel is `f(arguments, part)` over a block of 64-bit arguments, of which the first is the number of parts. What it
computes in a part depends on the number of parts alone, so its results are the same however many threads come.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from llvmlite import ir

from featherlight.compiler import llvm
from featherlight.compiler.control import I64, i64, loop

POINTER = ir.PointerType()
_VOID = ir.VoidType()
_RUN = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
_THREAD, _THREADS = "omp_get_thread_num", "omp_get_num_threads"

Body = Callable[[ir.IRBuilder, ir.Value, ir.Value, list[ir.Value]], None]


class OpenMP:
    """The threads of the OpenMP runtime that a loaded library is linked with, such as PyTorch's.

    A kernel that brings threads of its own would find the cores taken: those of the library go on spinning for a while
    after their work. Raises OSError or AttributeError where there is no such runtime with GOMP's entry.
    """

    def __init__(self, library: str) -> None:
        # Symbols are looked for in the library and in what it was linked with, so that this is the very same runtime.
        opened = ctypes.CDLL(library)
        self.run = opened.GOMP_parallel
        self.run.argtypes, self.run.restype = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint], None
        self.symbols = {name: _address(opened[name]) for name in (_THREAD, _THREADS)}


@dataclass(frozen=True)
class Kernel:
    """A compiled kernel: `one` runs one part, and each thread of a `team` runs what is at `shared`."""

    one: Callable[[ctypes.Array[ctypes.c_int64], int], None]
    shared: int
    team: OpenMP | None

    def __call__(self, parts: int, *arguments: int) -> None:
        """Run in `parts`, by a team of as many threads; without a team one part after the other."""
        block = (ctypes.c_int64 * (1 + len(arguments)))(parts, *arguments)
        if self.team is None or parts == 1:
            for part in range(parts):
                self.one(block, part)
        else:
            self.team.run(self.shared, ctypes.addressof(block), parts, 0)


def compile_kernels(bodies: Mapping[str, tuple[int, Body]], team: OpenMP | None) -> dict[str, Kernel]:
    """The kernels compiled for this processor and this team; each is a number of arguments and a body.

    A body takes the builder, the part, the number of parts and the arguments, and emits the part's work.
    """
    module = module_of(bodies, team)
    names = [function.name for function in module.functions if not function.is_declaration]
    code = llvm.object_code(str(module), llvm.host())
    at = llvm.load(code, names, {} if team is None else team.symbols)
    return {name: Kernel(_RUN(at[name]), at.get(_shared(name), 0), team) for name in bodies}


def module_of(bodies: Mapping[str, tuple[int, Body]], team: OpenMP | None = None) -> ir.Module:
    """The kernels as LLVM is given them: see `compile_kernels`."""
    module = ir.Module("kernels")
    for name, (count, body) in bodies.items():
        kernel = _declare(module, name, count, body)
        if team is not None:
            _declare_shared(module, kernel)
    return module


def _declare(module: ir.Module, name: str, count: int, body: Body) -> ir.Function:
    kernel = ir.Function(module, ir.FunctionType(_VOID, [POINTER, I64]), name)
    block, part = kernel.args
    b = ir.IRBuilder(kernel.append_basic_block("entry"))
    parts, *arguments = (_load(b, block, place) for place in range(1 + count))
    body(b, part, parts, arguments)
    b.ret_void()
    return kernel


def _declare_shared(module: ir.Module, kernel: ir.Function) -> None:
    """What a thread of the team does: its parts, of which it has several where the team is smaller than asked for."""
    shared = ir.Function(module, ir.FunctionType(_VOID, [POINTER]), _shared(kernel.name))
    (block,) = shared.args
    b = ir.IRBuilder(shared.append_basic_block("entry"))
    thread, threads = (b.sext(b.call(_asked(module, name), []), I64) for name in (_THREAD, _THREADS))
    with loop(b, thread, _load(b, block, 0), threads, "part") as part:
        b.call(kernel, [block, part])
    b.ret_void()


def _shared(name: str) -> str:
    return f"{name}_shared"


def _asked(module: ir.Module, name: str) -> ir.Function:
    known = module.globals.get(name)
    return known or ir.Function(module, ir.FunctionType(ir.IntType(32), []), name)


def _load(b: ir.IRBuilder, block: ir.Value, place: int) -> ir.Value:
    return b.load(b.gep(block, [i64(place)], source_etype=I64), typ=I64)


def _address(function: object) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0  # type: ignore[arg-type]
