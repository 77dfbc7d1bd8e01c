"""One node of a model: checked against its operator's schema, then given to its translation."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from onnx import AttributeProto, NodeProto, defs, helper

from featherlight.errors import BadInput
from featherlight.graph.onnx_ops import OPERATORS, WHOLE, Call, Computed, NotCanonical, Reading, Result, Value
from featherlight.graph.onnx_ops.tensors import array_of

# Every tensor by its ONNX name; None for one that could not be translated.
Values = dict[str, Value | None]


def unknown_operators(nodes: Iterable[NodeProto], opset: int) -> list[str]:
    """Each operator that stands in no table, or not in this opset, once."""
    problems: dict[str, None] = {}
    for node in nodes:
        if node.domain not in ("", "ai.onnx"):
            problems[f"{node.domain}:{node.op_type}"] = None
        elif node.op_type not in OPERATORS:
            problems[node.op_type or "an operator without a name"] = None
        elif _schema(node.op_type, opset) is None:
            problems[f"{node.op_type} in opset {opset}"] = None
    return list(problems)


def add_node(
    node: NodeProto, folder: Path | None, opset: int, reading: Reading, values: Values, problems: list[str]
) -> None:
    """Translate one node. What cannot be translated is noted, and what comes of it is None, to go on."""
    outputs = _trimmed(node.output)
    origin = f"{node.op_type} at {node.name or next(iter(outputs), '?')}"
    inputs = [_read(name, origin, values) if name else None for name in _trimmed(node.input)]
    for name in filter(None, outputs):
        define(name, f"output of {origin}", values)
    schema = _schema(node.op_type, opset) if node.op_type in OPERATORS and node.domain in ("", "ai.onnx") else None
    unread = [name for name, value in zip(node.input, inputs, strict=False) if name and value is None]
    if schema is None or unread:
        if not problems:  # an output without meaning, such as a pool's indices, is only in the way if it is read
            problems.append(f"{origin} of {unread[0]!r}")
        return
    _check_arity(origin, schema, inputs, outputs)
    call = Call(reading, next(filter(None, outputs), node.op_type), node.name, origin, len(outputs), opset)
    try:
        whole = [value.dtype for value in inputs if isinstance(value, Computed) and "float" not in value.dtype]
        if whole and node.op_type not in WHOLE:
            raise NotCanonical(f"of {whole[0]}")
        arguments = (call, *inputs), _attributes(node, origin, schema, folder)
        try:
            _signature(OPERATORS[node.op_type]).bind(*arguments[0], **arguments[1])
        except TypeError:
            raise NotCanonical("with these inputs and attributes") from None
        results = OPERATORS[node.op_type](*arguments[0], **arguments[1])
    except NotCanonical as error:
        problems.append(f"{origin} {error}")
        return
    results = results if isinstance(results, tuple) else (results,)
    values.update({name: value for name, value in zip(outputs, results, strict=False) if name})


def _read(name: str, origin: str, values: Values) -> Value | None:
    if name not in values:
        raise BadInput(f"{origin} reads {name!r}, which no input, constant or earlier node gives")
    return values[name]


def _trimmed(names: Sequence[str]) -> list[str]:
    """Names without the empty ones at the end, which say the same as no name."""
    kept = list(names)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _check_arity(origin: str, schema: defs.OpSchema, inputs: Sequence[object], outputs: Sequence[str]) -> None:
    if not schema.min_input <= len(inputs) <= schema.max_input:
        raise BadInput(f"{origin} must have {schema.min_input} to {schema.max_input} inputs; got {len(inputs)}")
    if not 1 <= len(outputs) <= schema.max_output:
        raise BadInput(f"{origin} must have 1 to {schema.max_output} outputs; got {len(outputs)}")
    optional = defs.OpSchema.FormalParameterOption.Optional
    for index, value in enumerate(inputs):
        if value is None and schema.inputs[min(index, len(schema.inputs) - 1)].option != optional:
            raise BadInput(f"{origin} must have an input {index}; got none")


def _attributes(node: NodeProto, origin: str, schema: defs.OpSchema, folder: Path | None) -> Mapping[str, Any]:
    """By name, each of the type that the operator's schema gives it."""
    found: dict[str, Any] = {}
    for attribute in node.attribute:
        known = schema.attributes.get(attribute.name)
        if (
            known is None
            or attribute.name in found
            or str(known.type).rpartition(".")[2] != AttributeProto.AttributeType.Name(attribute.type)
        ):
            raise BadInput(f"{origin} has an attribute {attribute.name!r} that its operator does not take so")
        value = helper.get_attribute_value(attribute)
        if attribute.type == AttributeProto.TENSOR:
            value = array_of(value, folder)
        found[attribute.name] = value.decode(errors="replace") if isinstance(value, bytes) else value
    if missing := [name for name, known in schema.attributes.items() if known.required and name not in found]:
        raise BadInput(f"{origin} must have the attribute {missing[0]!r}")
    return found


def define(name: str, what: str, values: Values) -> None:
    """Take a name, which must be free."""
    if not name or name in values:
        raise BadInput(f"{what} {name!r} must have a name of its own")
    values[name] = None


@cache
def _schema(operator: str, opset: int) -> defs.OpSchema | None:
    try:
        return defs.get_schema(operator, opset, "")
    except defs.SchemaError:
        return None


@cache
def _signature(translation: Callable[..., Result]) -> inspect.Signature:
    return inspect.signature(translation)
