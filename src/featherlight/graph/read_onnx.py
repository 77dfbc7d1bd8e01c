"""An ONNX model as a graph: the table of `onnx_ops/` takes each node to canonical kinds.

A file may come from anyone, so nothing of it is believed: sizes are checked before memory is taken, shapes follow from
our own rules, and no byte is read that lies outside the model's folder.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError
from onnx import GraphProto, ModelProto, ValueInfoProto, defs, helper

from featherlight.errors import BadInput, must_be
from featherlight.graph.ir import Graph, Tensor
from featherlight.graph.onnx_ops.call import Computed, Known, Reading, Value
from featherlight.graph.onnx_ops.node import Values, add_node, define, unknown_operators
from featherlight.graph.onnx_ops.tensors import TYPES, array_of, regular, type_name

OLDEST_OPSET = 6  # what opset 6 says differently from 7, broadcasting, the translations know

# Far above any classifier (the largest of onnx's own have some 2,000 nodes), far below what takes seconds to read.
MOST_BYTES = 1 << 30
MOST_NODES = 30_000
MOST_NAMES = 300_000


def from_onnx(source: str | Path | bytes | ModelProto, *, batch: int | None = None) -> Graph:
    """The graph of an ONNX model of opset 6 to the newest: a file, its bytes, or the model itself.

    `batch` is the first dimension of inputs where the model leaves it open, 1 unless given. Tensors keep their names
    where they can and operations carry their nodes' names; weights become float32, and whole numbers that stand for
    real ones stay whole (`kinds.Quantize`). Data in files of their own are read only
    with a path, and only inside the model's folder.

    Raises BadInput for what is no model, contradicts itself or is larger than any classifier, for sizes other than the
    batch that are open, and for operators that no canonical kind stands for: one sentence names all of them.
    """
    if batch is not None and batch < 1:
        raise must_be("batch", "a whole number above 0", batch)
    model, folder = _load(source)
    return _translate(model, folder, batch)


def _load(source: str | Path | bytes | ModelProto) -> tuple[ModelProto, Path | None]:
    if isinstance(source, ModelProto):
        return source, None
    data = source if isinstance(source, bytes) else _bytes(Path(source))
    what = "model" if isinstance(source, bytes) else f"model {source}"
    model = ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError:
        raise BadInput(f"{what} must be an ONNX model; got {len(data)} bytes that are none") from None
    if not model.HasField("graph"):
        raise BadInput(f"{what} must be an ONNX model; got {len(data)} bytes without a graph")
    return model, None if isinstance(source, bytes) else Path(source).parent


def _bytes(path: Path) -> bytes:
    try:
        with regular(path.resolve()) as (file, status):
            if status.st_size > MOST_BYTES:
                raise BadInput(f"model {path} must be a file of at most {MOST_BYTES} bytes; got {status.st_size}")
            return file.read(MOST_BYTES)
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"model {path} must be a regular file that can be read; got {str(error)[:80]}") from None


def _translate(model: ModelProto, folder: Path | None, batch: int | None) -> Graph:
    graph = model.graph
    _check_size(graph)
    if not all(isinstance(name, str) for name in _names(model)):
        raise BadInput("model must have names in UTF-8")
    opset = _opset(model)
    problems = unknown_operators(graph.node, opset)
    reading = Reading()
    values: Values = {}
    try:
        _add_constants(graph, folder, values)
        open_batch = _add_inputs(graph, reading, values, batch)
        with np.errstate(all="ignore"):  # a constant may be infinite, as one of torch would be
            for node in graph.node:
                add_node(node, folder, opset, reading, values, problems)
        outputs = [_output(info, values, problems, open_batch) for info in graph.output]
    except BadInput:
        if not problems:
            raise
    if problems:
        listed = ", ".join(problems[:32]) + (f" and {len(problems) - 32} more" if len(problems) > 32 else "")
        raise BadInput(f"model must be made of known operators; got {listed}")
    if not outputs:
        raise BadInput("model must have an output")
    return reading.builder.graph([reading.place(value) for value in outputs if value is not None])


def _check_size(graph: GraphProto) -> None:
    names = len(graph.initializer) + len(graph.input) + len(graph.output)
    for count, what, most in ((len(graph.node), "nodes", MOST_NODES), (names, "inputs and constants", MOST_NAMES)):
        if count > most:
            raise must_be(f"number of {what}", f"at most {most}", count)
    names = sum(len(node.input) + len(node.output) + len(node.attribute) for node in graph.node)
    if names > MOST_NAMES:
        raise must_be("number of nodes' inputs, outputs and attributes", f"at most {MOST_NAMES}", names)
    if graph.sparse_initializer:
        raise BadInput("constants of a model must be dense; got sparse ones")


def _names(model: ModelProto) -> Iterator[object]:
    """All text of a model that is read. Where it is not UTF-8, protobuf gives bytes."""
    yield from (entry.domain for entry in model.opset_import)
    for node in model.graph.node:
        yield from (node.op_type, node.domain, node.name, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
    for constant in model.graph.initializer:
        yield constant.name
        yield from (text for entry in constant.external_data for text in (entry.key, entry.value))
    for info in (*model.graph.input, *model.graph.output):
        yield info.name
        yield from (dimension.dim_param for dimension in info.type.tensor_type.shape.dim)


def _opset(model: ModelProto) -> int:
    versions = {entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")}
    newest = defs.onnx_opset_version()
    if len(versions) != 1 or not OLDEST_OPSET <= min(versions) <= newest:
        got = " and ".join(map(str, sorted(versions))) or "none"
        raise BadInput(f"opset of a model must be one from {OLDEST_OPSET} to {newest}; got {got}")
    return int(min(versions))


def _add_constants(graph: GraphProto, folder: Path | None, values: Values) -> None:
    total = 0
    for proto in graph.initializer:
        define(proto.name, "constant", values)
        array = array_of(proto, folder)
        total += array.nbytes
        if total > MOST_BYTES:
            raise must_be("constants of a model", f"at most {MOST_BYTES} bytes", total)
        values[proto.name] = Known(proto.name, array)


def _add_inputs(graph: GraphProto, reading: Reading, values: Values, batch: int | None) -> bool:
    """Whether a first dimension is open. Files of old list their constants among the inputs."""
    problems: list[str] = []
    open_batch = False
    for info in graph.input:
        constant = values.get(info.name)
        if isinstance(constant, Known):
            declared = info.type.tensor_type
            if declared.HasField("shape") and _differ(_dimensions(info), constant.shape):
                raise BadInput(f"constant {info.name!r} must have its declared shape; got {constant.shape}")
            continue
        define(info.name, "input", values)
        tensor = info.type.tensor_type
        if tensor.elem_type not in TYPES:
            raise BadInput(f"input {info.name!r} must be numbers of a known type; got {type_name(tensor.elem_type)}")
        if not tensor.HasField("shape"):
            problems.append(f"no shape at all of {info.name!r}")
            continue
        sizes = _dimensions(info)
        if sizes and isinstance(sizes[0], str):
            sizes[0], open_batch = batch or 1, True
        elif batch is not None and sizes and sizes[0] != batch:
            raise must_be("batch", f"{sizes[0]}, which the model fixes for input {info.name!r}", batch)
        problems += [
            f"{size or '?'} (axis {axis} of {info.name!r})" for axis, size in enumerate(sizes) if isinstance(size, str)
        ]
        shape = tuple(size for size in sizes if isinstance(size, int))
        if len(shape) == len(sizes):
            if min(shape, default=1) < 1 or math.prod(shape) > MOST_BYTES:
                raise must_be(f"sizes of input {info.name!r}", "above 0 and of no more elements than memory", shape)
            name = helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
            dtype = "float32" if "float" in name else name
            values[info.name] = Computed(reading.builder.input(info.name, Tensor(shape)), shape, dtype)
    if problems:
        raise BadInput(f"inputs of a model must have fixed sizes but for the batch; got {', '.join(problems[:32])}")
    return open_batch


def _dimensions(info: ValueInfoProto) -> list[int | str]:
    """Sizes; the name of one that is open, "" if it has none."""
    dims = info.type.tensor_type.shape.dim
    return [int(dim.dim_value) if dim.HasField("dim_value") else str(dim.dim_param) for dim in dims]


def _differ(declared: Sequence[int | str], shape: Sequence[int]) -> bool:
    return len(declared) != len(shape) or any(
        isinstance(size, int) and size != actual for size, actual in zip(declared, shape, strict=True)
    )


def _output(info: ValueInfoProto, values: Values, problems: list[str], open_batch: bool) -> Value | None:
    if info.name not in values:
        raise BadInput(f"output {info.name!r} must come from an input, a constant or a node")
    value = values[info.name]
    if value is None:
        problems[:] = problems or [f"an output {info.name!r} without meaning here"]
    elif info.type.tensor_type.HasField("shape"):
        declared = _dimensions(info)
        if open_batch and declared:
            declared[0] = ""  # exporters forget to open it here
        if _differ(declared, value.shape):
            raise BadInput(f"output {info.name!r} must have its declared shape {tuple(declared)}; got {value.shape}")
    return value
