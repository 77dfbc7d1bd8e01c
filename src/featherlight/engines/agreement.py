"""Whether an engine says what the network itself says: asked of each when it is built.

What it is held against is computed once for a source and a batch: by torch from a module, by ONNX Runtime without its
optimisations from an ONNX file, by the graph's value rules from a graph.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from featherlight.engines.running import Array, Running
from featherlight.engines.source import GraphSource, ModuleSource, OnnxSource, Source, cannot_run
from featherlight.errors import BadInput, Failure

# Float32 in another order of summation stays well below; a wrong constant or a forgotten activation far above.
TOLERANCE = 1e-4

# A network that has hardly been trained may magnify rounding beyond that. How much it does is how far its own float32
# scores lie from its float64 ones; an engine may lie this many times as far, up to a bound.
ROUNDINGS = 10
MOST_ROUNDING = 2e-2

SMALLEST_NORM = 1e-12  # scores below are as good as none: a network that gives zeros must be given zeros

Build = TypeVar("Build", bound=Callable[..., Running])


def checked(build: Build) -> Build:
    """An engine's `build`, that lets nothing out which does not agree with the network: see `check`."""

    @functools.wraps(build)
    def build_and_check(source: Source, **arguments: Any) -> Running:
        running = build(source, **arguments)
        try:
            check(running, source)
        except BaseException:
            running.close()
            raise
        return running

    return cast("Build", build_and_check)


def check(running: Running, source: Source) -> None:
    """Raise Failure, naming engine and distance, where a built network does not say what its source does.

    Asked for its scores of noise. The distance of an image's scores from the network's own, as a share of their norm,
    may be `TOLERANCE`, or what rounding explains in this network. Float64, which tells that, takes ten times as long as
    float32: it is asked only of those that need it. Where the network's own scores are not finite nothing can be told.
    """
    images = noise(running.input_shape)
    expected, found = reference(source, running.target.batch), running(images)
    if not np.isfinite(expected).all():
        return
    if found.shape != expected.shape:
        raise Failure(
            f"{running.target.engine} must give scores of shape {expected.shape}, as {source.name} does; "
            f"got {found.shape}"
        )
    difference = distance(found, expected)
    if difference <= TOLERANCE:
        return
    allowed = tolerance(expected, _exact_scores(source, images))
    if not difference <= allowed:  # not a number is no agreement
        raise Failure(
            f"{running.target.engine} must agree with {source.name} to {allowed:.0e} of the scores' norm; "
            f"they differ by {difference:.1e}"
        )


def reference(source: Source, batch: int) -> Array:
    """What the network of `source` says of `batch` images of noise; computed once, and kept with the source."""
    if batch not in source.references:
        source.references[batch] = own_scores(source, noise((batch, *source.input_shape)))
    return source.references[batch]


def noise(shape: tuple[int, ...]) -> Array:
    """Images that show nothing, the same each time: float32 of that shape."""
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def distance(scores: NDArray[Any], expected: NDArray[Any]) -> float:
    """The largest distance between the score vectors of an image, as a share of the expected one's norm."""
    axes = tuple(range(1, expected.ndim))
    apart = np.sqrt(np.square(scores - expected, dtype=np.float64).sum(axes))
    norms = np.sqrt(np.square(expected, dtype=np.float64).sum(axes))
    return float((apart / np.maximum(norms, SMALLEST_NORM)).max())


def tolerance(scores: NDArray[Any], exact: NDArray[Any]) -> float:
    """How far an engine may lie from a network whose float32 scores are `scores` and whose float64 ones are `exact`."""
    return max(TOLERANCE, min(ROUNDINGS * distance(scores, exact), MOST_ROUNDING))


def own_scores(source: Source, images: Array) -> Array:
    """What the network of `source` says of `images` by itself, in float32."""
    match source:
        case ModuleSource():
            return cast("Array", _by_torch(source, images, exact=False))
        case OnnxSource():
            return _by_onnxruntime(source, images)
        case GraphSource():
            return _by_graph(source, images).astype(np.float32)


def _exact_scores(source: Source, images: Array) -> NDArray[Any]:
    """The same in float64; in float32 where the network cannot be computed in it."""
    try:
        return _by_torch(source, images, exact=True) if isinstance(source, ModuleSource) else _by_graph(source, images)
    except (RuntimeError, BadInput):  # a module with float32 tensors of its own; an operator that no kind stands for
        return source.references[len(images)]


def _by_torch(source: ModuleSource, images: Array, *, exact: bool) -> NDArray[Any]:
    import torch

    dtype = torch.float64 if exact else torch.float32
    module = copy.deepcopy(source.module).eval().to("cpu", dtype)
    with torch.inference_mode():
        return cast("NDArray[Any]", module(torch.from_numpy(images).to(dtype, copy=True)).numpy())


def _by_onnxruntime(source: OnnxSource, images: Array) -> Array:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    model = source.to_onnx(len(images))
    try:
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        (images_name,) = (value.name for value in session.get_inputs())
        return cast("Array", session.run(None, {images_name: images})[0])
    except Exception as error:  # its exceptions share no base class but this
        raise cannot_run("ONNX Runtime, which every engine is held against,", source, error) from error


def _by_graph(source: OnnxSource | GraphSource, images: Array) -> NDArray[Any]:
    from featherlight.graph import evaluate, from_onnx, with_batch

    if isinstance(source, OnnxSource):
        graph = from_onnx(source.to_onnx(len(images)))
    else:
        graph = with_batch(source.graph, len(images))
    return evaluate(graph, images)[0]
