"""One kernel compiled and run by 1, 2 and 3 threads, one after the other."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from featherlight.compiler import llvm
from featherlight.compiler.code import Code, Vectors
from featherlight.compiler.control import I64
from featherlight.compiler.instruction_set import INSTRUCTION_SETS, InstructionSet

Floats = NDArray[np.float32]
RUNNABLE = tuple(each for each in INSTRUCTION_SETS.values() if each.runs_here())
BEST = RUNNABLE[-1]
GUARD = 64  # floats before and after each output that nothing may touch
UNTOUCHED = np.float32(12345.678)  # what these hold, and an output where the kernel does not write


class Emits(Protocol):
    def emit(self, code: Code) -> ir.Function: ...


def compiled(kernel: Emits, instructions: InstructionSet) -> Callable[..., None]:
    """The kernel as a function of thread, threads and addresses."""
    module = ir.Module("kernel")
    inner = kernel.emit(Code(module, Vectors(instructions.lanes, instructions.registers)))
    kinds = [argument.type for argument in inner.args]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), "run")
    b = ir.IRBuilder(function.append_basic_block("entry"))
    b.call(inner, function.args)
    b.ret_void()
    code = llvm.object_code(str(module), llvm.machine(instructions))
    given = [ctypes.c_int64 if kind == I64 else ctypes.c_void_p for kind in kinds]
    call: Callable[..., None] = ctypes.CFUNCTYPE(None, *given)(llvm.load(code, ["run"], {})["run"])
    return call


def run(
    kernel: Emits, inputs: Sequence[NDArray[Any]], outputs: Sequence[tuple[int, ...]], instructions: InstructionSet
) -> tuple[Floats, ...]:
    """What the kernel makes of the inputs: the same bits for each number of threads, and nothing written elsewhere.

    The process dies where an input is read beyond its end.
    """
    call = compiled(kernel, instructions)
    given = [_fenced(array) for array in inputs]
    results = [_once(call, given, outputs, threads) for threads in (1, 2, 3)]
    for other in results[1:]:
        for one, again in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one.view(np.int32), again.view(np.int32))
    return results[0]


def _fenced(array: NDArray[Any]) -> Floats:
    """The numbers in memory that ends where a page begins that cannot be read."""
    size = 4 * array.size
    pages = -(-size // mmap.PAGESIZE)
    memory = np.frombuffer(mmap.mmap(-1, (pages + 1) * mmap.PAGESIZE), np.uint8)
    end = pages * mmap.PAGESIZE
    protected = ctypes.CDLL(None).mprotect(ctypes.c_void_p(memory.ctypes.data + end), mmap.PAGESIZE, 0)
    assert protected == 0
    floats = memory[end - size : end].view(np.float32).reshape(array.shape)
    floats[...] = array
    return floats


def _once(
    call: Callable[..., None], inputs: list[Floats], outputs: Sequence[tuple[int, ...]], threads: int
) -> tuple[Floats, ...]:
    rooms = [np.full(int(np.prod(shape)) + 2 * GUARD, UNTOUCHED, np.float32) for shape in outputs]
    inner = [room[GUARD : room.size - GUARD] for room in rooms]
    for thread in range(threads):
        call(thread, threads, *(array.ctypes.data for array in (*inputs, *inner)))
    for room in rooms:
        assert (room[:GUARD] == UNTOUCHED).all(), "it wrote before its output"
        assert (room[room.size - GUARD :] == UNTOUCHED).all(), "it wrote behind its output"
    return tuple(part.reshape(shape) for part, shape in zip(inner, outputs, strict=True))
