"""How servers are asked for JSON of a schema, and what that may cost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.structured.cost import FREE_TEXT, tokens_for
from adapters.structured.forms import FORMS

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"risk": {"enum": ["LOW", "HIGH"]}}, "required": ["risk"]}


def closed(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object with these properties and no others."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_each_form_carries_the_whole_schema(form: Any) -> None:
    members = form.members(SCHEMA)
    assert json.dumps(SCHEMA) in json.dumps(members)
    assert form.refused


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
