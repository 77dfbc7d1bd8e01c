"""A graph as an ONNX model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import onnx
from onnx import TensorProto, ValueInfoProto, defs, helper, numpy_helper

from featherlight import __version__
from featherlight.errors import must_be
from featherlight.graph.batch import with_batch
from featherlight.graph.ir import Graph, Op, Tensor
from featherlight.graph.kinds import Identity
from featherlight.graph.rules.onnx import ONNX, Form

OLDEST_OPSET = 13


def to_onnx(
    graph: Graph,
    *,
    metadata: Mapping[str, str] | None = None,
    dynamic_batch: bool = False,
    opset: int = 17,
) -> onnx.ModelProto:
    """The graph as a float32 ONNX model that onnx's checker accepts, at the oldest IR version that its opset allows.

    A single input is called "images", a single output "logits"; several are numbered: "images_0", ... Other tensors
    keep the graph's names, and nodes are named after the modules they come from. `metadata` lands in metadata_props.
    With `dynamic_batch` the first dimension of inputs and outputs is called "batch" and may be any number.

    Raises BadInput for an opset out of range, or if a dynamic batch is asked of a network that mixes its images.
    """
    if not OLDEST_OPSET <= opset <= defs.onnx_opset_version():
        raise must_be("opset", f"from {OLDEST_OPSET} to {defs.onnx_opset_version()}", opset)
    if dynamic_batch:
        with_batch(graph, graph.tensors[graph.inputs[0]].shape[0] + 1)
    graph = _with_public_names(graph)
    forms = [_form(graph, op, opset, dynamic_batch) for op in graph.ops]
    constants = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in graph.constants.items()]
    model = helper.make_model(
        helper.make_graph(
            nodes=[node for form in forms for node in form.nodes],
            name="featherlight",
            inputs=[_value_info(name, graph.tensors[name], dynamic_batch) for name in graph.inputs],
            outputs=[_value_info(name, graph.tensors[name], dynamic_batch) for name in graph.outputs],
            initializer=constants + [constant for form in forms for constant in form.constants],
        ),
        producer_name="featherlight",
        producer_version=__version__,
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=helper.find_min_ir_version_for([helper.make_opsetid("", opset)]),
    )
    helper.set_model_props(model, dict(metadata or {}))
    onnx.checker.check_model(model, full_check=True)
    return model


def _form(graph: Graph, op: Op, opset: int, open_batch: bool) -> Form:
    form = Form(op, [tensor.shape for tensor in graph.tensors_in(op)], opset, open_batch)
    ONNX[type(op.kind)](form, op.kind)
    return form


def _with_public_names(graph: Graph) -> Graph:
    """The graph with its inputs and outputs renamed; each output is the result of an operation, and of its own."""
    ends: list[Op] = []
    outputs = []
    free = {name for op in graph.ops for name in op.outputs}
    tensors = dict(graph.tensors)
    for name in graph.outputs:
        if name in free:
            free.remove(name)
            outputs.append(name)
        else:
            outputs.append(f"{name}.output.{len(ends)}")
            tensors[outputs[-1]] = tensors[name]
            ends.append(Op(Identity(), (name,), (outputs[-1],)))
    public = _numbered("images", graph.inputs) | _numbered("logits", outputs)
    names = {name: f"{name}.inner" if name in public.values() else name for name in tensors} | public
    return Graph(
        ops=tuple(_renamed(op, names) for op in (*graph.ops, *ends)),
        inputs=tuple(names[name] for name in graph.inputs),
        outputs=tuple(names[name] for name in outputs),
        tensors={names[name]: tensor for name, tensor in tensors.items()},
        constants={names[name]: value for name, value in graph.constants.items()},
    )


def _numbered(word: str, names: list[str] | tuple[str, ...]) -> dict[str, str]:
    return {name: word if len(names) == 1 else f"{word}_{index}" for index, name in enumerate(names)}


def _renamed(op: Op, names: Mapping[str, str]) -> Op:
    return replace(
        op, inputs=tuple(names[name] for name in op.inputs), outputs=tuple(names[name] for name in op.outputs)
    )


def _value_info(name: str, tensor: Tensor, dynamic_batch: bool) -> ValueInfoProto:
    first: tuple[int | str, ...] = ("batch",) if dynamic_batch else tensor.shape[:1]
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, (*first, *tensor.shape[1:]))
