"""How servers are asked for JSON of a schema, and what that may cost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.structured.cost import FREE_TEXT, tokens_for
from adapters.structured.forms import (
    EBNF,
    FORMS,
    GRAMMAR,
    GUIDED_JSON,
    JSON_SCHEMA,
    STRUCTURAL_TAG,
    STRUCTURED_OUTPUTS,
    Form,
    unknown,
)
from adapters.structured.gbnf import gbnf

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"risk": {"enum": ["LOW", "HIGH"]}}, "required": ["risk"]}


def closed(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object with these properties and no others."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


@pytest.mark.parametrize("form", [STRUCTURAL_TAG, JSON_SCHEMA, GUIDED_JSON], ids=lambda form: form.name)
def test_a_form_of_schemas_carries_the_whole_schema(form: Form) -> None:
    assert json.dumps(SCHEMA) in json.dumps(form.members(SCHEMA))


@pytest.mark.parametrize("form", [GRAMMAR, EBNF, STRUCTURED_OUTPUTS], ids=lambda form: form.name)
def test_a_form_of_grammars_carries_one(form: Form) -> None:
    assert json.dumps(gbnf(SCHEMA)) in json.dumps(form.members(SCHEMA))
    assert form.carries(SCHEMA)
    assert not form.carries({"type": "object", "properties": {"a": False}, "required": ["a"]})


@pytest.mark.parametrize(
    "words",
    [
        'response_format type must be one of "text" or "json_object", but got: structural_tag',  # llama-server b11434
        "'response_format.type' must be 'json_schema' or 'text'",  # LM Studio
        "Invalid value: 'structural_tag'. Supported values are: 'json_object', 'json_schema', and 'text'.",  # OpenAI
        "[{'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'text', 'json_object'"
        " or 'json_schema'\"}]",  # FastAPI
        "1 validation error: response_format.StructuralTagResponseFormat.structures\n  Field required [type=missing]",
        "Unrecognized request argument supplied: guided_json",
        "This response_format type is unavailable now",
        "This model does not support response format `json_schema`.",
    ],
)
def test_a_server_that_does_not_know_a_form_says_so(words: str) -> None:
    assert unknown(words)


@pytest.mark.parametrize(
    "words",
    [
        "Failed to compile the grammar",
        "Failed to initialize samplers: failed to parse grammar",  # llama-server b11434
        "JSON schema error at #: unrecognized type strng",
        "Invalid schema for response_format 'arguments': In context=(), 'additionalProperties' is required to be false",
        "This model's maximum context length is 8192 tokens.",
        "",
    ],
)
def test_a_fault_of_the_schema_is_not_the_forms(words: str) -> None:
    assert not unknown(words)


def test_vllm_is_told_to_bound_its_blanks() -> None:
    tag = FORMS[0].members(SCHEMA)["response_format"]
    assert (tag["type"], tag["format"]["type"], tag["format"]["max_whitespace_cnt"]) == ("structural_tag", "json_schema", 2)


@pytest.mark.parametrize(
    ("part", "answer"),
    [
        ({"enum": ["LOW", "HIGH"]}, "HIGH"),
        ({"const": "x" * 50}, "x" * 50),
        ({"type": "integer"}, -(2**53)),
        ({"type": ["boolean", "null"]}, False),
        ({"type": "number"}, -1.2345678901e-05),
    ],
)
def test_a_small_value_costs_little_and_never_more_than_the_cap(part: Any, answer: Any) -> None:
    cap = tokens_for(closed(security_risk=part))
    assert len(json.dumps({"security_risk": answer})) <= cap < 200


@pytest.mark.parametrize(
    "part", [{"type": "string"}, {"type": "array"}, {}, True, {"anyOf": [{"type": "integer"}, {"type": "string"}]}]
)
def test_what_may_be_a_file_gets_room_for_one(part: Any) -> None:
    assert tokens_for(closed(a=part)) >= FREE_TEXT


@pytest.mark.parametrize(
    ("part", "answer"),
    [
        ({"anyOf": [{"type": "integer"}, {"enum": ["never"]}]}, "never"),
        ({"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 3}, ["a", "b", "a"]),
        (closed(on={"type": "boolean"}, mode={"enum": ["r", "w"]}), {"on": False, "mode": "w"}),
    ],
)
def test_a_small_shape_costs_little(part: Any, answer: Any) -> None:
    cap = tokens_for(closed(a=part))
    assert len(json.dumps({"a": answer})) <= cap < 300


def test_a_shape_without_end_costs_no_more_than_a_file() -> None:
    part: Any = {"type": "integer"}
    for _ in range(50):
        part = closed(a=part)
    assert tokens_for(part) < 2 * FREE_TEXT
