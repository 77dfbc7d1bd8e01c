"""Machine code of our own: the compiler's, run by `featherlight_runtime`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from featherlight import __version__
from featherlight.compiler.instruction_set import host
from featherlight.engines.agreement import checked
from featherlight.engines.library import missing_library
from featherlight.engines.running import Array, Running
from featherlight.engines.source import OnnxSource, Source, cannot_run, check
from featherlight.engines.trace import WARM_UP, Step, cover
from featherlight.errors import BadInput, Failure
from featherlight.graph import Graph, with_batch
from featherlight.timing import Target, this_machine
from featherlight_runtime.errors import FlightError

if TYPE_CHECKING:
    from featherlight.compiler.plan.step import Step as Planned
    from featherlight_runtime import Network

name = "native"
needs_module = False


def missing() -> str | None:
    """Why the compiler cannot be used here; None where it can."""
    try:
        host()
    except Failure as error:
        return f"the engine native is not for this machine: {error}"
    if missing_library("llvmlite"):
        return "the engine native needs llvmlite, which is not installed; install it with: pip install llvmlite"
    return None


def version() -> str:
    """Featherlight's version with LLVM's, for the code is of both."""
    from featherlight.compiler import llvm

    return f"{__version__}+llvm{llvm.version()}"


@checked
def build(source: Source, *, threads: int, batch: int = 1) -> Running:
    """The source's graph, compiled for this machine's best instructions; the code is the same for all `threads`."""
    check(threads, batch)
    network = _network(source, threads, batch)
    target = Target(name, version(), threads, "f32", batch, this_machine())
    return Running(target, (batch, *source.input_shape), network)


def trace(source: Source, images: Array, *, threads: int, calls: int = 20) -> tuple[Step, ...]:
    """The steps of the plan, by the processor's clock on the caller's thread, waiting for the other threads included.

    What only makes ready for an operation, a frame or Winograd's transforms, is one step with it, and so is a
    convolution in groups, though each group has a kernel of its own. Raises BadInput as `build` does.
    """
    from featherlight.compiler.build import kernel, plan

    check(threads, len(images))
    with _network(source, threads, len(images)) as network:
        for _ in range(WARM_UP):
            network(images)
        times = network.trace(images, calls=calls)
    steps = plan(_graph(source, len(images))).steps
    ops = cover(source.graph, [_results(step) for step in steps])
    titles = _titles(steps)
    return tuple(
        Step(
            title,
            " ".join(dict.fromkeys(kernel(steps[each]) for each in at)),
            sum((ops[each] for each in at), ()),
            sum(times[each] for each in at),
        )
        for title, at in ((title, list(group)) for title, group in groupby(range(len(steps)), titles.__getitem__))
    )


def _titles(steps: Sequence[Planned]) -> list[str]:
    """The result of each step, or of the step that it makes ready for; the kernel's name where nothing comes after."""
    from featherlight.compiler.build import kernel

    titles, coming = [], ""
    for step in reversed(steps):
        coming = (_results(step) or (coming,))[-1]
        titles.append(coming or kernel(step))
    return titles[::-1]


def _network(source: Source, threads: int, batch: int) -> Network:
    from featherlight.compiler.build import program
    from featherlight_runtime import Network

    try:
        return Network(program(_graph(source, batch)), threads)
    except (BadInput, FlightError) as error:  # what no kernel computes; more threads than there can be
        raise cannot_run("the compiler", source, error) from error


def _graph(source: Source, batch: int) -> Graph:
    """The source's graph for so many images; a file may be written for that number and no other."""
    if isinstance(source, OnnxSource):
        from featherlight.graph import from_onnx

        return from_onnx(source.to_onnx(batch))
    return with_batch(source.graph, batch)


def _results(step: Planned) -> tuple[str, ...]:
    """The tensors that a step gives, the last one last."""
    return tuple(name for op in step.ops for name in op.outputs)
