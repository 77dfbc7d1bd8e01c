from __future__ import annotations

import ctypes
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from llvmlite import ir

from featherlight.compiler import llvm
from featherlight.compiler.control import I64, i64, least, loop

NUMBERS = st.integers(-5, 20)


def compiled(step: int) -> Callable[[int, int], int]:
    """The sum of i * j over i in range(start, stop, step) and j in range(least(i, 3)), kept in memory."""
    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(I64, [I64, I64]), "f")
    b = ir.IRBuilder(function.append_basic_block())
    total = b.alloca(I64)
    b.store(i64(0), total)
    start, stop = function.args
    with loop(b, start, stop, step, "i") as i, loop(b, i64(0), least(b, i, i64(3)), name="j") as j:
        b.store(b.add(b.load(total), b.mul(i, j)), total)
    b.ret(b.load(total))
    address = llvm.load(llvm.object_code(str(module), llvm.host()), ["f"], {})["f"]
    call: Callable[[int, int], int] = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(address)
    return call


FUNCTIONS = {step: compiled(step) for step in (1, 3)}


@given(NUMBERS, NUMBERS, st.sampled_from(sorted(FUNCTIONS)))
def test_loops_run_as_pythons_do(start: int, stop: int, step: int) -> None:
    assert FUNCTIONS[step](start, stop) == sum(i * j for i in range(start, stop, step) for j in range(min(i, 3)))
