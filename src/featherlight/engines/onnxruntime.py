"""ONNX Runtime on the CPU, with every optimisation that it has."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from featherlight.engines.agreement import checked
from featherlight.engines.library import missing_library
from featherlight.engines.running import Array, Running
from featherlight.engines.source import Source, cannot_run, check
from featherlight.engines.trace import WARM_UP, Step, cover
from featherlight.errors import Failure
from featherlight.graph import Graph
from featherlight.timing import Target, this_machine

if TYPE_CHECKING:
    import onnxruntime as ort

name = "onnxruntime"
needs_module = False


def missing() -> str | None:
    """Why ONNX Runtime cannot be used here; None where it can."""
    return missing_library("onnxruntime")


def version() -> str:
    """ONNX Runtime's version."""
    import onnxruntime as ort

    return str(ort.__version__)


@checked
def build(source: Source, *, threads: int, batch: int = 1) -> Running:
    """A session for the source's ONNX form.

    Its threads may spin while it runs, as they do by default, but stop when it returns: left alone they spin on for
    milliseconds, and a rival timed next on two threads looked up to 1.7 times slower.
    """
    check(threads, batch)
    session = _session(source, source.to_onnx(batch), _options(threads))
    (images_name,) = (value.name for value in session.get_inputs())

    def run(images: Array) -> Array:
        return cast("Array", session.run(None, {images_name: images})[0])

    return Running(Target(name, version(), threads, "f32", batch, this_machine()), (batch, *source.input_shape), run)


def trace(source: Source, images: Array, *, threads: int, calls: int = 20) -> tuple[Step, ...]:
    """The nodes that ONNX Runtime runs after its optimisations, timed by its profiler in whole microseconds.

    Its profiler costs some 3 microseconds a node, most of them inside the node's time: the steps of MobileNet v3-small,
    104 of them, add up to 9 % more than a call takes without it. Raises BadInput as `build` does.
    """
    check(threads, len(images))
    model = source.to_onnx(len(images))
    with tempfile.TemporaryDirectory() as folder:
        options = _options(threads)
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        options.optimized_model_filepath = str(Path(folder) / "optimised.onnx")
        session = _session(source, model, options)
        (images_name,) = (value.name for value in session.get_inputs())
        for _ in range(WARM_UP + calls):
            session.run(None, {images_name: images})
        events = json.loads(Path(session.end_profiling()).read_bytes())
        optimised = Path(options.optimized_model_filepath).read_bytes()
    nodes = [event for event in events if event.get("cat") == "Node" and event["name"].endswith(_TIMED)]
    a_call = len(nodes) // (WARM_UP + calls)
    names = [event["name"].removesuffix(_TIMED) for event in nodes[:a_call]]
    if [event["name"].removesuffix(_TIMED) for event in nodes] != names * (WARM_UP + calls):
        raise Failure(f"ONNX Runtime did not run the same nodes of {source.name} in each call")
    times = np.array([event["dur"] for event in nodes]).reshape(-1, a_call)[WARM_UP:]
    ops = cover(source.graph, _results(source.graph, model, optimised, nodes[:a_call]))
    return tuple(
        Step(names[at], nodes[at]["args"]["op_name"], ops[at], float(np.median(times[:, at])) * 1e-6)
        for at in range(a_call)
    )


_TIMED = "_kernel_time"  # the end of the names of its events that say what a node took
_LAYOUT = ("ReorderInput", "ReorderOutput")  # what they give was computed before them
_BLOCKED = "_nchwc"  # a node whose maps lie in blocks of channels is called after the tensor that it gives, and this


def _results(graph: Graph, model: bytes, optimised: bytes, events: list[dict[str, Any]]) -> list[list[str]]:
    """The graph's tensors that each node gives: those of the node of its name, before and after optimisation.

    A node without a name appears under its kind and a number.
    """
    import onnx

    before, after = (onnx.load_model_from_string(each).graph for each in (model, optimised))
    outputs: dict[str, list[str]] = defaultdict(list)
    for node in (*before.node, *after.node):
        if node.name:
            outputs[node.name] += node.output
    nameless: dict[str, list[list[str]]] = defaultdict(list)
    for node in after.node:
        if not node.name:
            nameless[node.op_type].append(list(node.output))
    scores = {before.output[0].name: graph.outputs[0]}
    results = []
    for event in events:
        name, kind = event["name"].removesuffix(_TIMED), event["args"]["op_name"]
        given = outputs.get(name) or (nameless[kind].pop(0) if nameless[kind] else [])
        if name.endswith(_BLOCKED):
            given = [name.removesuffix(_BLOCKED)]
        results.append([] if kind in _LAYOUT else [scores.get(tensor, tensor) for tensor in given])
    return results


def _options(threads: int) -> ort.SessionOptions:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3  # errors only
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return options


def _session(source: Source, model: bytes, options: ort.SessionOptions) -> ort.InferenceSession:
    import onnxruntime as ort

    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base class but this
        raise cannot_run("ONNX Runtime", source, error) from error
