"""One kernel compiled for this processor and run by 1, 2 and 3 threads, one after the other."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from featherlight.compiler import llvm
from featherlight.compiler.code import Code, Vectors
from featherlight.compiler.control import I64

Floats = NDArray[np.float32]
VECTORS = (Vectors(lanes=8, registers=16), Vectors(lanes=4, registers=16))
GUARD = 64  # floats before and after each output that nothing may touch
_POINTER, _VOID = ir.PointerType(), ir.VoidType()


class Emits(Protocol):
    def emit(self, code: Code) -> ir.Function: ...


def compiled(kernel: Emits, vectors: Vectors) -> Callable[..., None]:
    """The kernel as a function of thread, threads and addresses."""
    module = ir.Module("kernel")
    code = Code(module, vectors)
    inner = kernel.emit(code)
    kinds = [argument.type for argument in inner.args]
    function = ir.Function(module, ir.FunctionType(_VOID, kinds), "run")
    b = ir.IRBuilder(function.append_basic_block("entry"))
    b.call(inner, function.args)
    b.ret_void()
    address = llvm.load(llvm.object_code(str(module), llvm.host()), ["run"], {})["run"]
    given = [ctypes.c_int64 if kind == I64 else ctypes.c_void_p for kind in kinds]
    call: Callable[..., None] = ctypes.CFUNCTYPE(None, *given)(address)
    return call


def run(
    kernel: Emits, inputs: Sequence[NDArray[Any]], outputs: Sequence[tuple[int, ...]], vectors: Vectors
) -> tuple[Floats, ...]:
    """What the kernel makes of the inputs: the same bits for each number of threads, and nothing written elsewhere."""
    call = compiled(kernel, vectors)
    given = [np.ascontiguousarray(array, np.float32) for array in inputs]
    results = [_once(call, given, outputs, threads) for threads in (1, 2, 3)]
    for other in results[1:]:
        for one, again in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one.view(np.int32), again.view(np.int32))
    return results[0]


def _once(
    call: Callable[..., None], inputs: list[Floats], outputs: Sequence[tuple[int, ...]], threads: int
) -> tuple[Floats, ...]:
    guard = np.float32(12345.678)
    rooms = [np.full(int(np.prod(shape)) + 2 * GUARD, guard, np.float32) for shape in outputs]
    inner = [room[GUARD : room.size - GUARD] for room in rooms]
    for thread in range(threads):
        call(thread, threads, *(array.ctypes.data for array in (*inputs, *inner)))
    for room in rooms:
        assert (room[:GUARD] == guard).all(), "it wrote before its output"
        assert (room[room.size - GUARD :] == guard).all(), "it wrote behind its output"
    return tuple(part.reshape(shape) for part, shape in zip(inner, outputs, strict=True))
