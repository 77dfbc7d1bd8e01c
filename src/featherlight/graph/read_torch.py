"""A PyTorch module as a graph: torch.export traces it, and the table of `aten/` takes each operator to canonical kinds.

In-place operators are read as their plain forms. Where one overwrites memory that is read later under an older name
they differ, and torch rewrites the traced program first.
"""

from __future__ import annotations

import logging
import operator
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn
from torch.utils import _pytree as pytree

from featherlight.errors import BadInput, Failure, must_be
from featherlight.graph.aten import ATEN, Call, NotCanonical, Result
from featherlight.graph.builder import Builder
from featherlight.graph.ir import Graph, Tensor


@dataclass(frozen=True, slots=True)
class Operator:
    """A call of one of PyTorch's operators ("aten::conv2d"), and the graph's tensors that it gives."""

    name: str
    outputs: tuple[str, ...]


def from_torch(model: nn.Module, input_shape: tuple[int, ...] = (1, 3, 224, 224)) -> Graph:
    """The graph of `model` in evaluation mode, for one input of `input_shape`.

    Constants carry the names of the model's parameters and buffers, and are copies; operations carry the paths of the
    modules they come from. The model's modes, parameters and buffers stay as they are.

    Raises BadInput if torch.export cannot trace the model at this shape, or if the model uses operators that no
    canonical kind stands for: one sentence names all of them.
    """
    return with_operators(model, input_shape)[0]


def with_operators(model: nn.Module, input_shape: tuple[int, ...]) -> tuple[Graph, tuple[Operator, ...]]:
    """The graph, as `from_torch` gives it, and the operators that the model calls, in the order of the calls."""
    if not input_shape or min(input_shape) < 1:
        raise must_be("input shape", "numbers above 0", input_shape)
    return _translate(_export(model, input_shape))


def _export(model: nn.Module, input_shape: tuple[int, ...]) -> torch.export.ExportedProgram:
    first = next(model.parameters(), torch.empty(0))
    example = torch.zeros(input_shape, dtype=first.dtype, device=first.device)
    with _evaluating(model), torch.no_grad(), _silent():
        try:
            program = torch.export.export(model, (example,))
            if _overwrites_what_is_read_later(program.graph):
                # Rare, and three times as slow as the tracing itself, so not done unless it is needed.
                program = program.run_decompositions({})
        except Exception as error:  # torch.export has no class of its own for "cannot be traced"
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise BadInput(
                f"model must be traceable by torch.export for an input of shape {input_shape} (another one is "
                f"given by input_shape); got: {reason[0]}"
            ) from error
    return program


@contextmanager
def _silent() -> Iterator[None]:
    """Torch warns about its own internals, and logs a traceback of what it then raises."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


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
    """Whether an in-place operator writes memory that is read afterwards under an older name.

    Where it does not, it means the same as its plain form. It can only be so if its operand is a view of another
    tensor, or has one: the operand itself is called by the result's name from then on.
    """
    order = {node: index for index, node in enumerate(graph.nodes)}
    sharers: dict[int, list[fx.Node]] = defaultdict(list)
    for node in graph.nodes:
        if isinstance(value := node.meta.get("val"), torch.Tensor):
            older = sharers[value.untyped_storage()._cdata]
            if _writes(node) and any(order[user] > order[node] for other in older for user in other.users):
                return True
            older.append(node)
    return False


def _writes(node: fx.Node) -> bool:
    arguments = node.target._schema.arguments if isinstance(node.target, torch._ops.OpOverload) else []
    return bool(arguments) and arguments[0].alias_info is not None and arguments[0].alias_info.is_write


def _translate(program: torch.export.ExportedProgram) -> tuple[Graph, tuple[Operator, ...]]:
    builder = Builder()
    values = _placeholders(program, builder)
    problems: list[str] = []
    outputs: list[str] = []
    operators: list[Operator] = []
    for node in program.graph.nodes:
        if node.op == "output":
            outputs = [name for name in pytree.tree_leaves(_named(node.args, values)) if name is not None]
        elif node.target is operator.getitem:
            values[node] = values[node.args[0]][node.args[1]]
        elif node.op == "call_function" and node.meta.get("val") is not None:  # assertions give nothing
            values[node] = _operation(node, values, builder, problems)
            if isinstance(node.target, torch._ops.OpOverload):
                names = (values[node],) if isinstance(values[node], str) else values[node]
                operators.append(Operator(node.target._schema.name, tuple(name for name in names if name)))
    if problems:
        raise BadInput(f"model must be made of known operators; got {', '.join(dict.fromkeys(problems))}")
    return builder.graph(outputs), tuple(operators)


def _placeholders(program: torch.export.ExportedProgram, builder: Builder) -> dict[fx.Node, Any]:
    """The names of the parameters, buffers and inputs that a program starts from."""
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    values: dict[fx.Node, Any] = {}
    for spec in program.graph_signature.input_specs:
        node = nodes[spec.arg.name]
        if spec.target is None:
            values[node] = builder.input(node.name, Tensor(tuple(node.meta["val"].shape)))
        else:
            tensor = program.state_dict.get(spec.target, program.constants.get(spec.target))
            assert isinstance(tensor, torch.Tensor)
            values[node] = builder.constant(spec.target, tensor.detach().float().numpy(force=True).copy())
    return values


def _operation(node: fx.Node, values: dict[fx.Node, Any], builder: Builder, problems: list[str]) -> Result:
    """The names of what a node computes. What cannot be translated is noted, and its shape believed, to go on."""
    results = node.meta["val"] if isinstance(node.meta["val"], (tuple, list)) else [node.meta["val"]]
    call = Call(builder, node.name, _origin(node), tuple(tuple(each.shape) for each in results))
    where = f" at {call.origin}" if call.origin else ""
    try:
        names = _translation(node, results[0])(call, **_arguments(node, values))
    except NotCanonical as error:
        problems.append(f"{node.target} {error}".rstrip() + where)
        believed = tuple(builder.define(node.name, Tensor(shape)) for shape in call.shapes)
        return believed if results is node.meta["val"] else believed[0]
    for name, traced in zip((names,) if isinstance(names, str) else names, call.shapes, strict=True):
        if name is not None and call.shape(name) != traced:
            raise Failure(f"{node.target}{where} must have the shape {traced} that torch gives; got {call.shape(name)}")
    return names


def _translation(node: fx.Node, result: torch.Tensor) -> Callable[..., Result]:
    name = node.target._schema.name if isinstance(node.target, torch._ops.OpOverload) else ""
    translation = ATEN.get(name.removeprefix("aten::").removesuffix("_"))
    if translation is None:
        raise NotCanonical
    acted_on = node.args[0].meta.get("val") if node.args and isinstance(node.args[0], fx.Node) else None
    if isinstance(acted_on, torch.Tensor) and acted_on.dtype != result.dtype:
        raise NotCanonical(f"from {acted_on.dtype} to {result.dtype}")  # a graph computes in one precision
    return translation


def _arguments(node: fx.Node, values: dict[fx.Node, Any]) -> dict[str, Any]:
    """The operator's arguments by their names in the schema, defaults filled in; the tensor it acts on is `x`."""
    schema = node.target._schema  # type: ignore[union-attr]
    given = {argument.name: argument.default_value for argument in schema.arguments if argument.has_default_value()}
    given |= dict(zip((argument.name for argument in schema.arguments), node.args, strict=False))
    given |= node.kwargs
    return {"x" if name in ("self", "input") else name: _named(value, values) for name, value in given.items()}


def _named(value: Any, values: dict[fx.Node, Any]) -> Any:
    return pytree.tree_map(lambda leaf: values[leaf] if isinstance(leaf, fx.Node) else leaf, value)


def _origin(node: fx.Node) -> str:
    """The path of the innermost module; torch adds @1, @2 when a module is called again."""
    stack = node.meta.get("nn_module_stack")
    return str(next(reversed(stack.values()))[0]).split("@")[0] if stack else ""
