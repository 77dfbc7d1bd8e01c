"""PyTorch's compiler, Inductor, on the CPU: the module as C++ made for it and compiled here.

A build takes from seconds to minutes, so this engine runs where it is asked for by name and nowhere else.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from featherlight.engines import torch_eager
from featherlight.engines.agreement import checked
from featherlight.engines.library import missing_library
from featherlight.engines.running import Array, Running
from featherlight.engines.source import Source, check
from featherlight.engines.torch_module import evaluation_copy, on_threads
from featherlight.engines.trace import Step
from featherlight.errors import BadInput
from featherlight.timing import Target, this_machine

name = "torch-compile"
needs_module = True

# Freezing takes the weights for constants: batch norms are folded, and convolutions keep their weights as oneDNN wants
# them. One compiling thread: more would be processes that wait for work beside what is timed.
OPTIONS: dict[str, str | int | bool | Callable[..., Any]] = {"freezing": True, "compile_threads": 1}


def missing() -> str | None:
    """Why it cannot be used here: torch, a C++ compiler or Python's headers are missing; None where it can."""
    if reason := missing_library("torch"):
        return reason
    compiler = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(compiler) is None:
        return (
            f"the engine {name} needs a C++ compiler, and there is no {compiler} here; install it, or name one in CXX"
        )
    if not (Path(sysconfig.get_path("include")) / "Python.h").is_file():
        return f"the engine {name} needs Python's headers; install them (python3-dev in Debian)"
    return None


version = torch_eager.version


@checked
def build(source: Source, *, threads: int, batch: int = 1) -> Running:
    """A copy of the source's module, compiled for these threads and this batch; later training does not reach it."""
    import torch

    check(threads, batch)
    module = evaluation_copy(source, name)
    example = torch.zeros((batch, *source.input_shape)).to(memory_format=torch.channels_last)

    def run(images: Array) -> Array:
        with torch.inference_mode(), on_threads(threads):
            scores = compiled(torch.from_numpy(images).clone(memory_format=torch.channels_last))
        return cast("Array", scores.numpy())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns of its own deprecated parts while it compiles
        try:
            # Exported first: what of Python the compiler does not know is gone then, and the program's code is its own.
            # Networks of one class would share the code of `forward`, and torch compiles no code more than eight times.
            program = torch.export.export(module, (example,), strict=False).module()
            compiled = torch.compile(program, fullgraph=True, dynamic=False, options=OPTIONS)
            run(example.numpy())
        except RuntimeError as error:
            raise BadInput(f"torch.compile cannot compile {source.name}: {_first_line(error)}") from error
    return Running(Target(name, version(), threads, "f32", batch, this_machine()), (batch, *source.input_shape), run)


def trace(source: Source, images: Array, *, threads: int, calls: int = 20) -> tuple[Step, ...]:
    """Nothing: what Inductor compiled does not tell of its steps; raises BadInput."""
    raise BadInput(f"the engine {name} cannot tell of its steps; choose another one")


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
