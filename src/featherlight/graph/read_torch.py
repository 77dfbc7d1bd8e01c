"""A PyTorch module as a graph: torch.export traces it, and a table takes each ATen operator to canonical kinds.

A translation is a function of the operator's arguments, by the names of its ATen schema (a tensor is its name in the
graph); it adds operations and returns the name of the result, or a tuple of names. In-place operators are translated
as their plain forms: from then on whoever reads the old tensor gets the new one.
"""

from __future__ import annotations

import operator
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import fx, nn
from torch.utils import _pytree as pytree

from featherlight.errors import BadInput, Failure, must_be
from featherlight.graph.aten import ATEN, Call, NotCanonical, Result
from featherlight.graph.builder import Builder
from featherlight.graph.ir import Graph, Tensor


def from_torch(model: nn.Module, input_shape: tuple[int, ...] = (1, 3, 224, 224)) -> Graph:
    """The graph of `model` in evaluation mode, for one input of `input_shape`.

    Constants carry the names of the model's parameters and buffers, and are copies; operations carry the paths of the
    modules they come from. The model's modes, parameters and buffers stay as they are.

    Raises BadInput if torch.export cannot trace the model at this shape, or if the model uses operators that no
    canonical kind stands for: one sentence names all of them.
    """
    if not input_shape or min(input_shape) < 1:
        raise must_be("input shape", "numbers above 0", input_shape)
    return _translate(_export(model, input_shape))


def _export(model: nn.Module, input_shape: tuple[int, ...]) -> torch.export.ExportedProgram:
    first = next(model.parameters(), torch.empty(0))
    example = torch.zeros(input_shape, dtype=first.dtype, device=first.device)
    with _evaluating(model), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns about its own internals
        try:
            program = torch.export.export(model, (example,))
            if _overwrites_what_is_read_later(program.graph):
                # Rare, and three times as slow as the tracing itself, so not done unless it is needed.
                program = program.run_decompositions({})
        except Exception as error:  # torch.export has no class of its own for "cannot be traced"
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise BadInput(
                f"model must be traceable by torch.export for an input of shape {input_shape}; got: {reason[0]}"
            ) from error
    return program


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _overwrites_what_is_read_later(graph: fx.Graph) -> bool:
    """Whether an in-place operator writes memory that is read afterwards under a name other than its operand's.

    It can only be so if the operand is a view of another tensor, or has one. Otherwise an in-place operator means the
    same as its plain form.
    """
    nodes = list(graph.nodes)
    order = {node: index for index, node in enumerate(nodes)}
    sharers: dict[int, list[fx.Node]] = defaultdict(list)
    for node in nodes:
        if isinstance(value := node.meta.get("val"), torch.Tensor):
            memory = value.untyped_storage()._cdata
            if _writes(node) and any(
                user in order and order[user] > order[node]
                for other in sharers[memory]
                if other is not node.args[0]
                for user in other.users
            ):
                return True
            sharers[memory].append(node)
    return False


def _writes(node: fx.Node) -> bool:
    arguments = node.target._schema.arguments if isinstance(node.target, torch._ops.OpOverload) else []
    return bool(arguments) and arguments[0].alias_info is not None and arguments[0].alias_info.is_write


def _translate(program: torch.export.ExportedProgram) -> Graph:
    builder = Builder()
    values = _placeholders(program, builder)
    problems: list[str] = []
    outputs: list[str] = []
    for node in program.graph.nodes:
        if node.op == "output":
            outputs = [name for name in pytree.tree_leaves(_named(node.args, values)) if name is not None]
        elif node.target is operator.getitem:
            values[node] = values[node.args[0]][node.args[1]]
        elif node.op == "call_function":
            values[node] = _operation(node, values, builder, problems)
            if _writes(node):
                values[node.args[0]] = values[node]
    if problems:
        raise BadInput(f"model must be made of known operators; got {', '.join(dict.fromkeys(problems))}")
    return builder.graph(outputs)


def _placeholders(program: torch.export.ExportedProgram, builder: Builder) -> dict[fx.Node, Any]:
    """The names of the parameters, buffers and inputs that a program starts from; a tied tensor has one name."""
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    values: dict[fx.Node, Any] = {}
    tied: dict[int, str] = {}
    for spec in program.graph_signature.input_specs:
        node = nodes[spec.arg.name]
        if spec.target is None:
            values[node] = builder.input(node.name, Tensor(tuple(node.meta["val"].shape)))
            continue
        tensor = program.state_dict.get(spec.target, program.constants.get(spec.target))
        assert isinstance(tensor, torch.Tensor)
        if id(tensor) not in tied:
            array = tensor.detach().float().numpy(force=True).copy()
            tied[id(tensor)] = builder.constant(spec.target, array)
        values[node] = tied[id(tensor)]
    return values


def _operation(node: fx.Node, values: dict[fx.Node, Any], builder: Builder, problems: list[str]) -> Result:
    """The names of what a node computes. What cannot be translated is noted, and its shape believed, to go on."""
    call = Call(builder, node.name, _origin(node), _shapes(node))
    name = str(node.target)
    try:
        if not isinstance(node.target, torch._ops.OpOverload):
            raise NotCanonical
        translation = ATEN.get(node.target._schema.name.removeprefix("aten::").removesuffix("_"))
        if translation is None:
            raise NotCanonical
        result = translation(call, **_arguments(node, values))
    except NotCanonical as error:
        problems.append(" ".join(filter(None, (name, str(error), f"at {call.origin}" if call.origin else ""))))
        names = tuple(builder.define(node.name, Tensor(shape)) for shape in call.shapes)
        return names if isinstance(node.meta.get("val"), (tuple, list)) else names[0]
    got = tuple(builder.tensors[each].shape if each else None for each in pytree.tree_leaves(result))
    if any(shape is not None and shape != traced for shape, traced in zip(got, call.shapes, strict=True)):
        raise Failure(f"{name} at {call.origin}: the shape rules must agree with torch, {call.shapes}; got {got}")
    return result


def _arguments(node: fx.Node, values: dict[fx.Node, Any]) -> dict[str, Any]:
    """The operator's arguments by their names in the schema, defaults filled in; the tensor it acts on is `x`."""
    schema = node.target._schema  # type: ignore[union-attr]
    given = {argument.name: argument.default_value for argument in schema.arguments if argument.has_default_value()}
    given |= dict(zip((argument.name for argument in schema.arguments), node.args, strict=False))
    given |= node.kwargs
    return {"x" if name in ("self", "input") else name: _named(value, values) for name, value in given.items()}


def _named(value: Any, values: dict[fx.Node, Any]) -> Any:
    return pytree.tree_map(lambda leaf: values[leaf] if isinstance(leaf, fx.Node) else leaf, value)


def _shapes(node: fx.Node) -> tuple[tuple[int, ...], ...]:
    results = node.meta.get("val")
    return tuple(tuple(each.shape) for each in (results if isinstance(results, (tuple, list)) else (results,)))


def _origin(node: fx.Node) -> str:
    """The path of the innermost module; torch adds @1, @2 when a module is called again."""
    stack = node.meta.get("nn_module_stack")
    return str(next(reversed(stack.values()))[0]).split("@")[0] if stack else ""
