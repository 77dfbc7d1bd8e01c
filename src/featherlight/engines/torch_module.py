"""What the engines of PyTorch share: a module that is ready to run, and a number of threads."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING

from featherlight.engines.source import ModuleSource, Source
from featherlight.errors import BadInput

if TYPE_CHECKING:
    from torch import nn


def evaluation_copy(source: Source, engine: str, device: str = "cpu") -> nn.Module:
    """A copy of the source's module, in evaluation mode and channels-last: later training does not reach it.

    Channels-last because PyTorch's CPU convolutions then need no reordering: a half off SqueezeNet's time at 224x224.
    Raises BadInput where the source is none of a module.
    """
    import torch

    if not isinstance(source, ModuleSource):
        raise BadInput(f"the engine {engine} runs torch modules; got {source.name}")
    module = copy.deepcopy(source.module).eval().to(device, torch.float32)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs leave this form out
    return module


@contextlib.contextmanager
def on_threads(number: int) -> Iterator[None]:
    """Run on `number` threads, then on as many as before: the setting belongs to the whole process."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
