"""LLVM in a process of its own."""

from __future__ import annotations

import array
import fcntl
import os
import signal
import subprocess
import sys
import termios
import time

import pytest

from featherlight.compiler import child
from featherlight.compiler.child import Child
from featherlight.compiler.instruction_set import AVX512, SSE2
from featherlight.errors import Failure

ADD = "define float @f(float %x) {\n %y = fadd float %x, %x\n ret float %y\n}"
NONSENSE = 'define void @f() {\n call void asm "nonsense", ""()\n ret void\n}'  # LLVM ends its process


def test_a_module_becomes_what_is_wanted_of_it() -> None:
    with Child(SSE2) as here:
        assert here.compile(ADD)[:4] == b"\x7fELF"
    with Child(AVX512, "assembly") as here:  # for whichever processor is named, not the one at hand
        assert b"vaddss" in here.compile(ADD)


@pytest.mark.parametrize(
    ("text", "words"), [("rubbish", "expected top-level entity"), (NONSENSE, "nonsense")], ids=["text", "abort"]
)
def test_where_llvm_gives_up_this_process_lives_to_say_so(text: str, words: str) -> None:
    with (
        Child(SSE2) as here,
        pytest.raises(Failure, match=r"^LLVM must compile the network; its process") as told,
    ):
        here.compile(text)
    assert words in str(told.value)
    assert "\n" not in str(told.value)


def test_where_no_process_can_be_started_llvm_runs_in_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Child(SSE2) as here:
        assert here.compile(ADD)[:4] == b"\x7fELF"


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_child_that_is_stopped_while_it_answers_answers_whole(
    unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    many = "\n".join(ADD.replace("@f", f"@a_function_with_a_name_of_its_own_{number}") for number in range(1000))
    with Child(SSE2) as here:
        process = here._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdin:
            process.stdin.write(many.encode())
        waiting, until = array.array("i", [0]), time.monotonic() + 60
        while waiting[0] < 1 << 16 and time.monotonic() < until:  # as much as a pipe holds
            time.sleep(0.01)
            fcntl.ioctl(process.stdout, termios.FIONREAD, waiting)
        os.kill(process.pid, signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)  # until it is
        os.kill(process.pid, signal.SIGCONT)
        answer = process.stdout.read()
        process.stdin = None
    assert answer == child._compile(many, SSE2, "object_code")
    assert len(answer) > 1 << 16


def test_a_child_that_is_not_asked_ends_with_its_block() -> None:
    with Child(SSE2) as here:
        process = here._process
    assert process is not None
    assert process.poll() is not None


def test_the_child_loads_neither_torch_nor_numpy() -> None:
    code = f"import sys, {child.__name__}, featherlight.compiler.llvm; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "numpy"} & set(loaded)
