"""A Spec as JSON and back. The form has a version; an unknown field or kind is refused, never skipped."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, cast

from featherlight.errors import BadInput, must_be, unknown
from featherlight.spec.rows import KINDS, Row, SqueezeExcite
from featherlight.spec.spec import VERSION, Head, Spec, Style


def to_json(spec: Spec) -> dict[str, Any]:
    """The spec as a JSON document: version, rows (each with its kind), head, style."""
    return {
        "version": VERSION,
        "rows": [{"kind": row.kind, **dataclasses.asdict(row)} for row in spec.rows],
        "head": {**dataclasses.asdict(spec.head), "hidden": list(spec.head.hidden)},
        "style": dataclasses.asdict(spec.style),
    }


def from_json(document: Mapping[str, Any]) -> Spec:
    """The spec that `to_json` wrote.

    Raises BadInput, naming the field, for a newer version, an unknown kind, a field that is unknown, missing or of the
    wrong type.
    """
    _known("spec", document, ("version", "rows", "head", "style"))
    if document["version"] != VERSION:
        raise must_be("spec.version", f"{VERSION}, the version this Featherlight reads", document["version"])
    if not isinstance(document["rows"], list):
        raise must_be("spec.rows", "a list", document["rows"])
    rows = tuple(_row(index, row) for index, row in enumerate(document["rows"]))
    head, style = _mapping("spec.head", document["head"]), _mapping("spec.style", document["style"])
    return Spec(rows, _record(Head, "spec.head", head), _record(Style, "spec.style", style))


def _row(index: int, document: Any) -> Row:
    where = f"spec.rows[{index}]"
    values = dict(_mapping(where, document))
    kind = values.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise unknown(f"{where}.kind", str(kind), KINDS)
    return cast("Row", _record(KINDS[kind], where, values))


def _record(record: type[Any], where: str, values: Mapping[str, Any]) -> Any:
    hints = {name: hint for name, hint in typing.get_type_hints(record).items() if name in _fields(record)}
    _known(where, values, tuple(hints))
    return record(**{name: _value(f"{where}.{name}", hints[name], value) for name, value in values.items()})


def _value(where: str, hint: Any, value: Any) -> Any:
    """`value` as the type that `hint` names, or the sentence that says it is not."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        if value is None:
            return None
        hint = next(option for option in typing.get_args(hint) if option is not type(None))
    if hint is SqueezeExcite:
        return _record(SqueezeExcite, where, _mapping(where, value))
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise must_be(where, "a list of whole numbers", value)
        return tuple(_value(f"{where}[{index}]", int, item) for index, item in enumerate(value))
    if typing.get_origin(hint) is typing.Literal:
        hint = str
    if hint is float and type(value) is int:
        value = float(value)
    # An exact type: JSON's true is no whole number.
    if type(value) is not hint:
        names = {int: "a whole number", float: "a number", str: "a word", bool: "true or false"}
        raise must_be(where, names[hint], value)
    return value


def _fields(record: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(record))


def _mapping(where: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise must_be(where, "an object", value)
    return value


def _known(where: str, values: Mapping[str, Any], names: tuple[str, ...]) -> None:
    if strange := sorted(set(values) - set(names)):
        raise BadInput(f"{where} has unknown fields: {', '.join(strange)} (known: {', '.join(names)})")
    if missing := [name for name in names if name not in values]:
        raise BadInput(f"{where} lacks fields: {', '.join(missing)}")
