"""PyTorch as it is on an NVIDIA GPU, the images copied there and the scores back: what a caller waits for.

To know whether there is a GPU loads torch, so this engine runs where it is asked for by name and nowhere else.
"""

from __future__ import annotations

from typing import cast

from featherlight.engines import torch_eager
from featherlight.engines.agreement import checked
from featherlight.engines.library import missing_library
from featherlight.engines.running import Array, Running
from featherlight.engines.source import Source, check
from featherlight.engines.torch_module import evaluation_copy, on_threads
from featherlight.engines.trace import Step
from featherlight.errors import BadInput
from featherlight.timing import Target, this_machine

name = "torch-cuda"
needs_module = True


def missing() -> str | None:
    """Why it cannot be used here: torch, or a GPU that it knows, is missing; None where it can."""
    if reason := missing_library("torch"):
        return reason
    import torch

    if not torch.cuda.is_available():
        return f"the engine {name} needs an NVIDIA GPU and a PyTorch built for CUDA; there is none here"
    return None


version = torch_eager.version


@checked
def build(source: Source, *, threads: int, batch: int = 1) -> Running:
    """A copy of the source's module on the GPU, in evaluation mode and channels-last; `threads` are those of the CPU.

    In float32 throughout: TensorFloat-32, which rounds to 10 bits, is off while it runs.
    """
    import torch

    check(threads, batch)
    return on_device(source, "cuda", torch.cuda.get_device_name(), threads, batch)


def on_device(source: Source, device: str, called: str, threads: int, batch: int) -> Running:
    """The module on a device of PyTorch's, whose name is `called`. A call ends when the scores are here again."""
    import torch

    module = evaluation_copy(source, name, device)

    def run(images: Array) -> Array:
        with torch.inference_mode(), on_threads(threads), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            given = torch.from_numpy(images).to(device, memory_format=torch.channels_last, copy=True)
            return cast("Array", module(given).cpu().numpy())  # copying to the CPU waits for the GPU

    target = Target(name, torch_eager.version(), threads, "f32", batch, this_machine(), called)
    return Running(target, (batch, *source.input_shape), run)


def trace(source: Source, images: Array, *, threads: int, calls: int = 20) -> tuple[Step, ...]:
    """Nothing: the profiler of the CPU does not see when the GPU works; raises BadInput."""
    raise BadInput(f"the engine {name} cannot tell of its steps; choose another one")
