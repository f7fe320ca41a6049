"""What a chat template leaves out of a schema is said in the descriptions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.models.spelled_out import spell_out
from tests.conftest import BASH


def told(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    function = {"name": "f", "description": "Do it.", "parameters": {"type": "object", "properties": {"a": schema}, **more}}
    spelled: dict[str, Any] = spell_out([{"type": "function", "function": function}])[0]["function"]
    return spelled


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 5}, "(at least 1; at most 5)"),
        ({"type": "integer", "description": "Lines.", "exclusiveMinimum": 0}, "Lines. (more than 0)"),
        (
            {"type": "string", "pattern": "^a{2}$", "maxLength": 9},
            "(at most 9 characters; matching the regular expression ^a{2}$)",
        ),
        ({"type": "string", "format": "date"}, "(format date)"),
        ({"type": "integer", "enum": [1, 2]}, "(one of 1, 2)"),
        ({"enum": ["a", None]}, '(one of "a", null)'),
        ({"type": ["string", "null"]}, "(string or null)"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, '(any of these: [{"type": "string"}, {"type": "integer"}])'),
        ({"type": "boolean", "default": False}, "(false if left out)"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True}, "(at least 1 items; no item twice)"),
        ({"$ref": "#/$defs/x"}, '(as "#/$defs/x")'),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, '(values of other keys: {"type": "integer"})'),
    ],
)
def test_every_constraint_is_said(schema: dict[str, Any], words: str) -> None:
    assert told(schema)["parameters"]["properties"]["a"] == schema | {"description": words}


def test_members_of_members_are_said_too() -> None:
    deep = {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 2}}}}
    told_deep = told(deep)["parameters"]["properties"]["a"]
    assert told_deep["items"]["properties"]["n"]["description"] == "(at least 2)"


def test_what_binds_the_whole_is_said_of_the_function() -> None:
    function = told({"type": "string"}, anyOf=[{"required": ["a"]}], **{"$defs": {"x": {"type": "string"}}})
    assert function["description"] == (
        'Do it. (any of these: [{"required": ["a"]}]; definitions: {"$defs": {"x": {"type": "string"}}})'
    )
    assert "description" not in function["parameters"]


@pytest.mark.parametrize(
    "schema", [{"type": "string", "enum": ["a", "b"], "description": "One."}, {"type": "array", "items": {}}, True]
)
def test_what_the_template_shows_is_not_said_again(schema: Any) -> None:
    function = {"name": "f", "parameters": {"type": "object", "properties": {"a": schema}, "required": ["a"]}}
    tool = {"type": "function", "function": function}
    assert spell_out([tool, BASH]) == [tool, BASH]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda each: (
        st.lists(each, max_size=3) | st.dictionaries(st.sampled_from(["type", "properties", "items", "enum", "a"]), each)
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(parameters=json_values, function=json_values)
def test_odd_tools_stay_odd(parameters: Any, function: Any) -> None:
    for tool in ({"type": "function", "function": {"name": "f", "parameters": parameters}}, {"function": function}, {}):
        assert spell_out([tool]) == spell_out([tool])
