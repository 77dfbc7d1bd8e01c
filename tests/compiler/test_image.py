from __future__ import annotations

import ctypes

import pytest

from featherlight.compiler import image, llvm
from featherlight.compiler.instruction_set import SSE2
from featherlight.errors import Failure
from featherlight_runtime.memory import executable

CALL = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)
# Two constants that are read at an index, so that they stay in memory, and a function that is called.
TABLE = """
@squares = private constant [4 x i64] [i64 0, i64 1, i64 4, i64 9]
@cubes = internal constant [4 x i32] [i32 0, i32 1, i32 8, i32 27]
define internal i64 @square(i64 %x) noinline {
  %p = getelementptr i64, ptr @squares, i64 %x
  %y = load i64, ptr %p
  ret i64 %y
}
define i64 @both(i64 %x) {
  %s = call i64 @square(i64 %x)
  %p = getelementptr i32, ptr @cubes, i64 %x
  %c = load i32, ptr %p
  %w = sext i32 %c to i64
  %y = add i64 %s, %w
  ret i64 %y
}
define i64 @twice(i64 %x) {
  %y = mul i64 %x, 2
  ret i64 %y
}
"""
SWITCH = """
define void @f(i64 %x, ptr %out) {
  switch i64 %x, label %other [ CASES ]
  LABELS
other:
  ret void
}
"""


def linked(text: str) -> image.Image:
    return image.link(llvm.object_code(text, llvm.machine(SSE2)))


def test_linked_code_runs_at_two_addresses() -> None:
    found = linked(TABLE)
    assert set(found.entries) == {"both", "twice"}
    for _ in range(2):
        code = executable(found.code)
        both, twice = (CALL(code.ctypes.data + found.entries[name]) for name in ("both", "twice"))
        assert [both(x) for x in range(4)] == [x**2 + x**3 for x in range(4)]
        assert twice(21) == 42


def test_jump_tables_are_distances() -> None:
    labels = "\n".join(f"case{n}:\n  store volatile i64 {n * n}, ptr %out\n  br label %other" for n in range(12))
    cases = " ".join(f"i64 {n}, label %case{n}" for n in range(12))
    found = linked(SWITCH.replace("CASES", cases).replace("LABELS", labels))
    code = executable(found.code)
    run = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)(code.ctypes.data + found.entries["f"])
    out = ctypes.c_int64()
    for x in range(12):
        run(x, ctypes.addressof(out))
        assert out.value == x * x


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("declare i64 @missing(i64)\ndefine i64 @f(i64 %x) { %y = call i64 @missing(i64 %x) ret i64 %y }", "'missing'"),
        (
            "@state = internal global i64 0\ndefine void @f(i64 %x) { store volatile i64 %x, ptr @state ret void }",
            "bss",
        ),
        (
            "@state = internal global i64 7\ndefine void @f(i64 %x) { store volatile i64 %x, ptr @state ret void }",
            "data",
        ),
        ("@open = constant i64 7\ndefine ptr @f() { ret ptr @open }", "'open'"),
        ("define ptr @f(i64 %x) { ret ptr @g } define void @g() { ret void }", "'g'"),
    ],
    ids=["a function elsewhere", "zeros to write", "variables", "an open constant's address", "a function's address"],
)
def test_code_that_needs_more_than_itself_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(Failure, match=message):
        linked(text)


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"MZ" + bytes(100), b"\x7fELF\2\1" + bytes(100)])
def test_what_is_no_object_file_is_refused(data: bytes) -> None:
    with pytest.raises(Failure, match="ELF"):
        image.link(data)
