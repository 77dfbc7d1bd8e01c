"""LLVM in a process of its own: where it aborts, that process ends, and this one says so in a sentence.

LLVM ends its process on whatever it takes for a bug, its own or ours; no exception comes of it. The child loads
llvmlite and nothing that is slow (no torch), and does so while this process still makes the plan. Where no process can
be started, LLVM runs in this one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import TracebackType
from typing import Literal

from featherlight.compiler.instruction_set import INSTRUCTION_SETS, InstructionSet
from featherlight.errors import Failure

Wanted = Literal["object_code", "assembly"]  # functions of llvm.py


class Child:
    """LLVM for one module, started at once; the end of a with block ends it."""

    def __init__(self, instructions: InstructionSet, wanted: Wanted = "object_code") -> None:
        self._instructions, self._wanted = instructions, wanted
        self._process = _start(instructions.name, wanted)

    def compile(self, text: str) -> bytes:
        """What is wanted of the module that `text` says; raises Failure, with LLVM's last words, where it gave up."""
        if self._process is None:
            return _compile(text, self._instructions, self._wanted)
        code, words = self._process.communicate(text.encode())
        if self._process.returncode:
            raise Failure(f"LLVM must compile the network; {_end(self._process.returncode)}{_last(words)}")
        return code

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


def _start(instructions: str, wanted: Wanted) -> subprocess.Popen[bytes] | None:
    # What this process can import the child must be able to, and nothing else: not what lies in the folder at hand.
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", __name__, instructions, wanted],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": paths, "PYTHONSAFEPATH": "1"},
        )
    except OSError:
        return None


def _compile(text: str, instructions: InstructionSet, wanted: Wanted) -> bytes:
    from featherlight.compiler import llvm

    machine = llvm.machine(instructions)
    if wanted == "assembly":
        return llvm.assembly(text, machine, llvm.tidy).encode()
    return llvm.object_code(text, machine, llvm.tidy)


def _end(code: int) -> str:
    return f"its process ended by {signal.Signals(-code).name}" if code < 0 else f"its process ended with code {code}"


def _last(words: bytes) -> str:
    said = " ".join(words.decode(errors="replace").split())
    return f": {said[-200:]}" if said else ""


def _serve(instructions: str, wanted: Wanted) -> None:
    from featherlight.compiler import llvm

    llvm.machine(INSTRUCTION_SETS[instructions])  # LLVM is ready before there is anything to compile
    text = sys.stdin.buffer.read().decode()
    # Not by sys.stdout, which writes once and perhaps a part where PYTHONUNBUFFERED is set and a signal comes between.
    with open(sys.stdout.fileno(), "wb", closefd=False) as answer:
        answer.write(_compile(text, INSTRUCTION_SETS[instructions], wanted))


if __name__ == "__main__":
    _serve(sys.argv[1], "assembly" if sys.argv[2] == "assembly" else "object_code")
