"""PyTorch as it is: the module that was trained, operation by operation. Every other engine must agree with it."""

from __future__ import annotations

import os
from difflib import SequenceMatcher
from typing import cast

import numpy as np

from featherlight.engines.agreement import checked
from featherlight.engines.library import missing_library
from featherlight.engines.running import Array, Running
from featherlight.engines.source import ModuleSource, Source, check
from featherlight.engines.torch_module import evaluation_copy, on_threads
from featherlight.engines.trace import WARM_UP, Step, cover
from featherlight.errors import Failure
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
    """A copy of the source's module, in evaluation mode and channels-last: later training does not reach it."""
    import torch

    check(threads, batch)
    module = evaluation_copy(source, name)

    def run(images: Array) -> Array:
        with torch.inference_mode(), on_threads(threads):
            # A copy: a module may write into what it is given.
            scores = module(torch.from_numpy(images).clone(memory_format=torch.channels_last))
        return cast("Array", scores.numpy())

    return Running(Target(name, version(), threads, "f32", batch, this_machine()), (batch, *source.input_shape), run)


def trace(source: Source, images: Array, *, threads: int, calls: int = 20) -> tuple[Step, ...]:
    """The operators that the module calls, timed by PyTorch's profiler.

    Python between the calls is in no step: a fifth to a third of a call of ShuffleNet v2 or MobileNet v3-small. Raises
    BadInput as `build` does.
    """
    import torch

    check(threads, len(images))
    module = evaluation_copy(source, name)
    assert isinstance(source, ModuleSource)
    given = torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
    copies = [given.clone() for _ in range(calls)]
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # it would write on standard error that it starts and stops
    with torch.inference_mode(), on_threads(threads):
        for _ in range(WARM_UP):
            module(given.clone())
        with torch.autograd.profiler.profile(use_kineto=False) as profiler:
            for each in copies:
                module(each)
    events = [event for event in profiler.function_events if event.cpu_parent is None]
    a_call = len(events) // calls
    names = [event.name for event in events[:a_call]]
    if [event.name for event in events] != names * calls:
        raise Failure(f"{source.name} did not call the same operators each time")
    times = np.array([event.time_range.elapsed_us() for event in events]).reshape(calls, a_call)
    ops = cover(source.graph, _results(source, names))
    return tuple(
        Step(names[at], names[at].removeprefix("aten::"), ops[at], float(np.median(times[:, at])) * 1e-6)
        for at in range(a_call)
    )


def _results(source: ModuleSource, names: list[str]) -> list[tuple[str, ...]]:
    """The graph's tensors that each call of an operator gives: calls come in the order in which they were traced.

    What runs without being traced, or the other way round, stands between two stretches that are the same.
    """
    results: list[tuple[str, ...]] = [()] * len(names)
    traced = [operator.name for operator in source.operators]
    for block in SequenceMatcher(None, names, traced, autojunk=False).get_matching_blocks():
        for at in range(block.size):
            results[block.a + at] = source.operators[block.b + at].outputs
    return results
