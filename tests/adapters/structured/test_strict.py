"""`strict` is put where a grammar does no harm, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.structured.strict import with_strict

TEXT = {"type": "string"}


def tool(parameters: Any, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": parameters, **more}}


def having(part: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": TEXT, "b": part}, "required": ["a"]}


@pytest.mark.parametrize(
    "part",
    [
        {"type": "string", "enum": ["x"], "description": "d", "default": "x"},
        {"type": "array", "items": {"type": "integer"}, "maxItems": 2},
        {"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "t"},
        {"type": "object", "properties": {"c": {"type": "boolean"}}, "additionalProperties": False},
        {"type": "object", "additionalProperties": TEXT},
    ],
)
def test_what_a_grammar_bears_is_strict(part: Any) -> None:
    given = tool(having(part))
    made = with_strict([given])
    assert made == [tool(having(part), strict=True)]
    assert "strict" not in given["function"]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "string", "minLength": 1},
        {"type": "string", "pattern": "^a"},
        {"type": "string", "format": "date"},
        {"type": "integer", "multipleOf": 2},
        {"type": "integer", "anyOf": [{"minimum": 1}]},
        {"allOf": [TEXT]},
        {"not": TEXT},
        {"$ref": "#/x"},
        {"type": "array", "items": {"type": "string", "maxLength": 3}},
        {"type": "object", "properties": {"c": {"type": "string", "pattern": "x"}}},
        {"type": "object", "patternProperties": {"^x": TEXT}},
        False,
    ],
)
def test_what_a_grammar_does_not_bear_is_left(part: Any) -> None:
    given = tool(having(part))
    assert with_strict([given]) == [given]


@pytest.mark.parametrize(
    "parameters", [None, {}, {"type": "object", "properties": {}}, {"type": "object", "properties": {"a": TEXT}}, 5]
)
def test_a_tool_that_needs_no_arguments_is_left(parameters: Any) -> None:
    assert with_strict([tool(parameters)]) == [tool(parameters)]


@pytest.mark.parametrize("said", [True, False, None])
def test_what_the_client_said_stands(said: Any) -> None:
    assert with_strict([tool(having(TEXT), strict=said)]) == [tool(having(TEXT), strict=said)]


@pytest.mark.parametrize("given", [{}, {"type": "function"}, {"function": 5}, 5, {"type": "custom", "custom": {}}])
def test_what_is_no_function_is_left(given: Any) -> None:
    assert with_strict([given]) == [given]


def test_a_schema_without_end_is_left() -> None:
    part: Any = TEXT
    for _ in range(1000):
        part = {"type": "array", "items": part}
    assert with_strict([tool(having(part))]) == [tool(having(part))]
