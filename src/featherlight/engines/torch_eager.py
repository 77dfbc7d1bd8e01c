"""PyTorch as it is: the module that was trained, operation by operation. Every other engine must agree with it."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import cast

from featherlight.engines.agreement import checked
from featherlight.engines.library import missing_library
from featherlight.engines.running import Array, Running
from featherlight.engines.source import ModuleSource, Source, check
from featherlight.errors import BadInput
from featherlight.timing import Target, this_machine

name = "torch"
needs_module = True


def missing() -> str | None:
    """Why torch cannot be used here; None where it can."""
    return missing_library("torch")


def version() -> str:
    """PyTorch's version."""
    import torch

    return str(torch.__version__)


@checked
def build(source: Source, *, threads: int, batch: int = 1) -> Running:
    """A copy of the source's module, in evaluation mode and channels-last: later training does not reach it.

    Channels-last because PyTorch's CPU convolutions then need no reordering: a half off SqueezeNet's time at 224x224.
    """
    import torch

    check(threads, batch)
    if not isinstance(source, ModuleSource):
        raise BadInput(f"the engine torch runs torch modules; got {source.name}")
    module = copy.deepcopy(source.module).eval().to("cpu", torch.float32)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs leave this form out

    def run(images: Array) -> Array:
        with torch.inference_mode(), _threads(threads):
            # A copy: a module may write into what it is given.
            scores = module(torch.from_numpy(images).clone(memory_format=torch.channels_last))
        return cast("Array", scores.numpy())

    return Running(Target(name, version(), threads, "f32", batch, this_machine()), (batch, *source.input_shape), run)


@contextlib.contextmanager
def _threads(number: int) -> Iterator[None]:
    """Run on `number` threads, then on as many as before: the setting belongs to the whole process."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
