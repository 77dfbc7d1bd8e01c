"""OpenVINO on the CPU, set for the time of a single call."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from featherlight.engines.agreement import checked
from featherlight.engines.library import missing_library
from featherlight.engines.running import Array, Running
from featherlight.engines.source import Source, cannot_run, check
from featherlight.engines.trace import Step, cover
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
    check(threads, batch)
    request = _compiled(source, _read(source, batch), threads).create_infer_request()

    def run(images: Array) -> Array:
        # The images are read in place; the scores are copied, for the next call writes over OpenVINO's own.
        scores = request.infer({0: images}, share_inputs=True, share_outputs=False)
        return cast("Array", scores[0])

    return Running(Target(name, version(), threads, "f32", batch, this_machine()), (batch, *source.input_shape), run)


def trace(source: Source, images: Array, *, threads: int, calls: int = 20) -> tuple[Step, ...]:
    """The nodes that OpenVINO runs, timed by its profiler; what it does not run (a concat in place) takes 0 seconds.

    The profiler keeps a running mean in whole microseconds. So calls are taken in spans of doubling length, two times
    as many as asked for or more; each span's mean follows from the running ones before and after it, and a step's time
    is the median of the spans'. Raises BadInput as `build` does.
    """
    check(threads, len(images))
    model = _read(source, len(images))
    tensors = {node.get_friendly_name(): [_tensor(output) for output in node.outputs()] for node in model.get_ops()}
    scores = {_tensor(model.outputs[0]): source.graph.outputs[0]}
    _keep_names_of_norms(model)
    compiled = _compiled(source, model, threads, PERF_COUNT=True)
    times, kinds = _times(compiled.create_infer_request(), images, calls)
    nodes = _layers(compiled.get_runtime_model())
    results = [[scores.get(t, t) for layer in layers for t in tensors.get(layer, ())] for _, layers in nodes]
    return tuple(
        Step(node, kinds.get(node, "nothing to run"), ops, times.get(node, 0.0))
        for (node, _), ops in zip(nodes, cover(source.graph, results), strict=True)
        if ops or node in kinds
    )


def _times(request: Any, images: Array, calls: int) -> tuple[dict[str, float], dict[str, str]]:
    """Seconds of the nodes by their names, and kinds of those that run at all."""
    done, ends, totals = 0, [4], []
    while ends[-1] < 3 * calls:
        ends.append(2 * ends[-1])
    for end in ends:
        for _ in range(end - done):
            request.infer({0: images}, share_inputs=True)
        done = end
        totals.append(np.array([each.real_time.total_seconds() for each in request.profiling_info]) * end)
    spans = np.diff(totals, axis=0) / np.diff(ends)[:, None]
    info = request.profiling_info
    medians = np.maximum(np.median(spans, axis=0), 0).tolist()
    kinds = {each.node_name: f"{each.node_type} {each.exec_type}" for each in info if each.status.name == "EXECUTED"}
    return dict(zip((each.node_name for each in info), medians, strict=True)), kinds


def _layers(runtime: Any) -> list[tuple[str, list[str]]]:
    """What OpenVINO runs in its order: a node's name, and those of the layers that it was made of."""
    nodes = []
    for node in runtime.get_ordered_ops():
        info = node.get_rt_info()
        if info["layerType"].astype(str) not in ("Const", "Input", "Output"):
            layers = info["originalLayersNames"].astype(str).split(",")
            layers = [layer.removesuffix("/WithoutBiases") for layer in layers if layer]
            nodes.append((node.get_friendly_name(), layers))
    return nodes


def _keep_names_of_norms(model: Any) -> None:
    """Write batch norms as the products and sums that OpenVINO makes of them, but under their own names.

    By itself it calls them Multiply_8254 or so, and of a convolution that takes one in no name is left. What then runs
    is the same, kernel by kernel and bit by bit.
    """
    from openvino import opset13

    for node in model.get_ordered_ops():
        parts = [each.get_source_output() for each in node.inputs()]
        if node.get_type_name() != "BatchNormInference" or any(
            part.get_node().get_type_name() != "Constant" for part in parts[1:]
        ):
            continue
        weight, bias, mean, variance = (part.get_node().get_data() for part in parts[1:])
        scale = weight / np.sqrt(variance + node.get_attributes()["epsilon"])
        shape = (1, -1, *(1,) * (len(node.get_output_partial_shape(0)) - 2))
        scales, shifts = (opset13.constant(each.reshape(shape)) for each in (scale, bias - mean * scale))
        product = opset13.multiply(parts[0], scales, name=node.get_friendly_name())
        total = opset13.add(product, shifts, name=f"{node.get_friendly_name()}/shift")
        for reader in node.output(0).get_target_inputs():
            reader.replace_source_output(total.output(0))


def _tensor(output: Any) -> str:
    return next(iter(output.get_names()), "")


def _read(source: Source, batch: int) -> Any:
    import openvino

    try:
        return openvino.Core().read_model(source.to_onnx(batch))
    except RuntimeError as error:
        raise cannot_run("OpenVINO", source, error) from error


def _compiled(source: Source, model: Any, threads: int, **more: Any) -> Any:
    import openvino

    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": threads,
        **more,
    }
    try:
        return openvino.Core().compile_model(model, "CPU", settings)
    except RuntimeError as error:
        raise cannot_run("OpenVINO", source, error) from error
