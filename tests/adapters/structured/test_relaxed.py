"""A grammar's schema takes all that the tool's schema takes, and holds nothing that an engine does not bear."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from adapters.structured.relaxed import Unbuildable, relaxed

BORNE = {"type", "enum", "const", "required", "minItems", "maxItems", "$ref", "properties", "items", "prefixItems", "anyOf"} | {
    *("additionalProperties", "minimum", "maximum", "$defs", "definitions")
}

LEAVES: list[tuple[dict[str, Any], list[Any]]] = [
    ({"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^a"}, ["abc", 'a"\n']),
    ({"type": "string", "format": "date-time"}, ["2026-11-28T10:00:00Z"]),
    ({"type": "integer"}, [0, -7, 2**40]),
    ({"type": "integer", "minimum": 1, "maximum": 9, "multipleOf": 2}, [2, 8]),
    ({"type": "integer", "exclusiveMinimum": 0}, [1]),
    ({"type": "number"}, [0.5, -3, 1e6]),
    ({"enum": ["LOW", "HIGH"]}, ["LOW"]),
    ({"const": 5}, [5]),
    ({"type": ["string", "null"]}, ["x", None]),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "maybe"}, [5, None]),
    ({"type": "object", "anyOf": [{"required": ["a"]}], "properties": {"a": {"type": "integer"}}}, [{"a": 1}]),
    ({"oneOf": [{"type": "string"}, {"type": "boolean"}]}, ["x", True]),
    ({"allOf": [{"type": "string", "maxLength": 3}]}, ["abc"]),
    ({"allOf": [{"type": "object"}, {"required": ["a"]}], "type": "object"}, [{"a": 1}]),
    ({"type": "array", "items": {"type": "string"}, "uniqueItems": True, "contains": {"const": "a"}}, [["a", "b"]]),
    ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}, [["a", 1]]),
    ({"type": "object", "additionalProperties": {"type": "integer"}}, [{"a": 1}, {}]),
    ({"type": "object", "patternProperties": {"^x": {"type": "integer"}}}, [{"xa": 1}]),
    ({"not": {"type": "null"}}, [1, "x"]),
    ({"if": {"type": "string"}, "then": {"minLength": 1}}, ["x", 5]),
    ({"$ref": "#/$defs/leaf", "description": "x"}, ["leaf"]),
    ({}, [1, "x", None, {"a": []}]),
    ({"type": "array", "items": {"type": "object", "properties": {"t": {"type": "string"}}, "required": ["t"]}}, [[{"t": "x"}]]),
]  # fmt: skip


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every subschema."""
    if isinstance(schema, dict):
        yield schema
        for keyword in ("properties", "$defs", "definitions"):
            for each in schema.get(keyword, {}).values():
                yield from parts(each)
        for keyword in ("anyOf", "prefixItems"):
            for each in schema.get(keyword, ()):
                yield from parts(each)
        for keyword in ("items", "additionalProperties"):
            yield from parts(schema.get(keyword))


@st.composite
def tools(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make a tool's schema and right arguments."""
    chosen = draw(st.lists(st.sampled_from(LEAVES), min_size=1, max_size=5))
    properties = {f"p{at}": leaf for at, (leaf, _) in enumerate(chosen)}
    arguments = {f"p{at}": draw(st.sampled_from(values)) for at, (_, values) in enumerate(chosen)}
    required = draw(st.lists(st.sampled_from(list(properties)), unique=True))
    schema = {
        "type": "object",
        "properties": properties,
        "required": required,
        "$defs": {"leaf": {"type": "string", "maxLength": 9}},
    }
    return schema, arguments


@given(tools())
def test_what_the_tool_takes_the_grammar_takes(made: tuple[dict[str, Any], dict[str, Any]]) -> None:
    schema, arguments = made
    assert Draft202012Validator(schema).is_valid(arguments)
    assert Draft202012Validator(relaxed(schema)).is_valid(arguments)


@given(tools(), st.data())
def test_only_what_is_asked_for_is_in_it_and_all_of_that_is_needed(made: Any, data: st.DataObject) -> None:
    schema, arguments = made
    only = data.draw(st.lists(st.sampled_from(list(arguments)), unique=True, min_size=1))
    asked = relaxed(schema, only)
    part = {name: arguments[name] for name in only}
    judge = Draft202012Validator(asked)
    assert judge.is_valid(part)
    assert list(asked["properties"]) == [name for name in arguments if name in only]  # type: ignore[arg-type]
    for name in only:
        assert not judge.is_valid({key: value for key, value in part.items() if key != name})


@given(tools())
def test_nothing_is_left_that_an_engine_does_not_bear(made: tuple[dict[str, Any], dict[str, Any]]) -> None:
    for part in parts(relaxed(made[0])):
        assert part.keys() <= BORNE
        if part.get("type") in ("integer", "number"):
            assert {"minimum", "maximum"} <= part.keys()
        assert not ("anyOf" in part and len(part) > 1)


def test_the_given_schema_stays_as_it_is() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string", "minLength": 1}}, "required": ["a"]}
    relaxed(schema)
    assert schema["properties"]["a"] == {"type": "string", "minLength": 1}


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(Unbuildable):
        relaxed({"type": "object", "properties": {"a": {}}}, ["b"])
    deep: dict[str, Any] = {}
    for _ in range(80):
        deep = {"type": "array", "items": deep}
    with pytest.raises(Unbuildable):
        relaxed({"properties": {"a": deep}})
    with pytest.raises(Unbuildable):
        relaxed({"properties": {f"p{at}": {} for at in range(3000)}})
