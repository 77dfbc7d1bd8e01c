"""Which maps the kernels take, and the threads that they run on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from featherlight.compiler.training.kernel import Kernel, OpenMP


def served(*maps: Tensor) -> bool:
    """Whether all are maps as the kernels take them: float32, channels last, in the memory of the CPU, not traced."""
    free = not torch.is_autocast_enabled("cpu") and not _traced()
    return free and all(
        type(x) is Tensor
        and x.device.type == "cpu"
        and x.dtype == torch.float32
        and x.ndim == 4
        and x.numel() > 0
        and x.is_contiguous(memory_format=torch.channels_last)
        for x in maps
    )


def hooked(module: nn.Module) -> bool:
    """Whether someone wants to see what goes into a module or comes out of it."""
    return any((module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks))


def last(x: Tensor) -> Tensor:
    """The map with its channels last."""
    return x.contiguous(memory_format=torch.channels_last)


def empty(batch: int, channels: int, height: int, width: int) -> Tensor:
    """A map to be written."""
    return torch.empty((batch, channels, height, width), memory_format=torch.channels_last)


def compiled(make: Callable[[OpenMP], dict[str, Kernel]]) -> dict[str, Kernel] | None:
    """The kernels on PyTorch's threads; None where it has none that can be shared, or LLVM cannot make them."""
    try:
        return make(_threads())
    except (OSError, RuntimeError, AttributeError):
        return None


@functools.cache
def _threads() -> OpenMP:
    libraries = (Path(torch.__file__).parent / "lib").glob("libtorch_cpu.*")
    return OpenMP(str(next(libraries, "libtorch_cpu")))


def _traced() -> bool:
    tracing: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return tracing or torch.compiler.is_compiling()
