from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from featherlight.errors import BadInput
from featherlight.models import entry, list_models
from featherlight.spec import Spec, from_json, to_json
from strategies import specs


@given(specs())
def test_a_spec_comes_back_from_its_json(spec: Spec) -> None:
    assert from_json(json.loads(json.dumps(to_json(spec)))) == spec


@pytest.mark.parametrize("name", list_models())
def test_every_registered_network_comes_back_from_its_json(name: str) -> None:
    spec = entry(name).build()
    assert from_json(json.loads(json.dumps(to_json(spec)))) == spec


def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(json.dumps(to_json(entry("mobilenet_v3_small").build())))
    return loaded


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("version",), 2, r"spec\.version must be 1, .*; got 2"),
        (("colour",), 1, r"spec has unknown fields: colour"),
        (("rows",), {}, r"spec\.rows must be a list"),
        (("rows", 1, "kind"), "inverted_residul", r"spec\.rows\[1\]\.kind must be a known name.*inverted_residual"),
        (("rows", 1, "width"), 3, r"spec\.rows\[1\] has unknown fields: width"),
        (("rows", 1, "channels"), "16", r"spec\.rows\[1\]\.channels must be a whole number; got '16'"),
        (("rows", 1, "channels"), True, r"spec\.rows\[1\]\.channels must be a whole number; got True"),
        (("rows", 1, "channels"), 0, r"inverted_residual\.channels must be a whole number of at least 1; got 0"),
        (("rows", 1, "linear"), 1, r"spec\.rows\[1\]\.linear must be true or false; got 1"),
        (("rows", 1, "activation"), "swish", r"inverted_residual\.activation must be one of none, relu"),
        (("rows", 1, "kernel"), 4, r"inverted_residual\.kernel must be an odd number; got 4"),
        (("rows", 1, "squeeze_excite"), 4, r"spec\.rows\[1\]\.squeeze_excite must be an object; got 4"),
        (("rows", 1, "squeeze_excite", "gate"), "step", r"squeeze_excite\.gate must be one of"),
        (("head", "hidden"), [0], r"head\.hidden must be whole numbers of at least 1"),
        (("head", "kind"), "dense", r"head\.kind must be one of linear, convolution; got 'dense'"),
        (("style", "epsilon"), 0.0, r"style\.epsilon must be above 0"),
        (("style", "padding"), "valid", r"style\.padding must be one of symmetric, same"),
    ],
)
def test_what_is_wrong_is_named(path: tuple[Any, ...], value: Any, sentence: str) -> None:
    changed = document()
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(BadInput, match=sentence):
        from_json(changed)


@pytest.mark.parametrize("field", ["rows", "head", "style", "version"])
def test_a_missing_field_is_named(field: str) -> None:
    changed = document()
    del changed[field]
    with pytest.raises(BadInput, match=f"spec lacks fields: {field}"):
        from_json(changed)
