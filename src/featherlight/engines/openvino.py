"""OpenVINO on the CPU, set for the time of a single call."""

from __future__ import annotations

from typing import cast

from featherlight.engines.agreement import checked
from featherlight.engines.library import missing_library
from featherlight.engines.running import Array, Running
from featherlight.engines.source import Source, cannot_run, check
from featherlight.timing import Target, this_machine

name = "openvino"
needs_module = False


def missing() -> str | None:
    """Why OpenVINO cannot be used here; None where it can."""
    return missing_library("openvino")


def version() -> str:
    """OpenVINO's version."""
    import openvino

    return str(openvino.__version__)


@checked
def build(source: Source, *, threads: int, batch: int = 1) -> Running:
    """A compiled model of the source's ONNX form.

    The precision is fixed to float32: on CPUs that have bfloat16 units OpenVINO would take bfloat16 by itself, and the
    comparison would be with a less exact network.
    """
    import openvino

    check(threads, batch)
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": threads,
    }
    model = source.to_onnx(batch)
    core = openvino.Core()
    try:
        compiled = core.compile_model(core.read_model(model), "CPU", settings)
    except RuntimeError as error:
        raise cannot_run("OpenVINO", source, error) from error
    request = compiled.create_infer_request()

    def run(images: Array) -> Array:
        # The images are read in place; the scores are copied, for the next call writes over OpenVINO's own.
        scores = request.infer({0: images}, share_inputs=True, share_outputs=False)
        return cast("Array", scores[0])

    return Running(Target(name, version(), threads, "f32", batch, this_machine()), (batch, *source.input_shape), run)
