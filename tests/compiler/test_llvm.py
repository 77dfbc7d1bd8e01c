from __future__ import annotations

import ctypes

import pytest

from featherlight.compiler import llvm

TRIPLE = """
define i64 @triple(i64 %x) {
  %y = mul i64 %x, 3
  ret i64 %y
}
"""
THROUGH = """
declare i64 @given(i64)
define i64 @through(i64 %x) {
  %y = call i64 @given(i64 %x)
  ret i64 %y
}
"""
CALL = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)


def test_object_code_runs_once_loaded() -> None:
    code = llvm.object_code(TRIPLE, llvm.host())
    for _ in range(2):  # the same name again stands beside the first
        assert CALL(llvm.load(code, ["triple"], {})["triple"])(14) == 42


def test_code_calls_the_functions_it_is_given() -> None:
    given = CALL(lambda x: x + 1)
    address = ctypes.cast(given, ctypes.c_void_p).value
    assert address is not None
    loaded = llvm.load(llvm.object_code(THROUGH, llvm.host()), ["through"], {"given": address})
    assert CALL(loaded["through"])(41) == 42


def test_assembly_names_its_functions() -> None:
    assert "triple:" in llvm.assembly(TRIPLE, llvm.host())


def test_a_module_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(RuntimeError):
        llvm.object_code("define i64 @f() { ret i32 0 }", llvm.host())
