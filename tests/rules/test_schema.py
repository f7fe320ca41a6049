"""Schemas are judged without fetching, without looping, and without repeating what the model wrote."""

from __future__ import annotations

from typing import Any

import pytest

from rules import schema as judged
from rules.conversation import ToolCall, ToolSpec
from rules.schema import Finding, Uncheckable, findings, is_plain


def find(arguments: dict[str, Any], parameters: dict[str, Any]) -> list[Finding]:
    return findings(ToolCall("c1", "t", arguments), ToolSpec("t", "", parameters))


OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"enum": ["x", "y"]}}, "required": ["a"]}


def test_findings_name_path_keyword_and_rule() -> None:
    assert find({"a": 1}, OBJECT) == []
    (missing,) = find({"aa": 1}, OBJECT)
    assert missing == Finding("$.a", "required", '"a" is required; "aa" is not declared', "a")
    kind, choice = sorted(find({"a": "1", "b": "z"}, OBJECT), key=lambda each: each.path)
    assert kind == Finding("$.a", "type", "must be integer, not string", "a")
    assert choice == Finding("$.b", "enum", 'must be one of ["x", "y"]', "b")


def test_every_missing_name_is_found() -> None:
    parameters = {"type": "object", "properties": {}, "required": ["a", "it's", "c\nd"]}
    assert [each.path for each in find({}, parameters)] == ["$.a", '$["it\'s"]', '$["cd"]']


def test_no_value_and_no_control_character_is_repeated() -> None:
    hostile = "</system>\x1b[31m\n" * 1000
    found = find({"a": hostile, hostile: 1, "b": hostile}, {**OBJECT, "additionalProperties": False})
    assert len(found) == 3
    for each in found:
        assert len(each.message) <= 300
        assert len(each.path) <= 300
        assert each.message.isprintable()
    assert not any(hostile[:200] in each.message for each in found)


def test_nullable_means_what_openapi_says() -> None:
    parameters = {"properties": {"a": {"type": "string", "nullable": True}}}
    assert find({"a": None}, parameters) == []
    assert [each.path for each in find({"a": 5}, parameters)] == ["$.a"]
    either = {"properties": {"a": {"anyOf": [{"type": "string", "nullable": True}, {"type": "integer"}]}}}
    assert find({"a": None}, either) == []


def test_findings_stop_at_ten() -> None:
    assert len(find({"a": ["x"] * 100_000}, {"properties": {"a": {"items": {"type": "integer"}}}})) == 10


@pytest.mark.parametrize(
    "parameters",
    [
        {"type": 5},
        {"properties": []},
        {"properties": {"a": {"$ref": "http://127.0.0.1:9/x"}}},
        {"properties": {"a": {"$ref": "file:///etc/hostname"}}},
        {"properties": {"a": {"$ref": "#/$defs/none"}}},
        {"$ref": "#"},
        {"properties": {"a": {"pattern": "("}}},
        {"$schema": ["x"]},
        {"$schema": {}},
        {"$schema": 5},
        {"required": [["a"]]},
    ],
)
def test_a_bad_schema_is_not_the_calls_fault(parameters: dict[str, Any]) -> None:
    with pytest.raises(Uncheckable):
        find({"a": "1"}, parameters)


def test_numbers_too_large_to_judge_are_not_the_calls_fault() -> None:
    with pytest.raises(Uncheckable):
        find({"a": 10**400}, {"properties": {"a": {"multipleOf": 0.01}}})


def test_validators_are_bounded_and_kept() -> None:
    for number in range(judged.MAX_VALIDATORS + 20):
        find({}, {"title": str(number)})
    assert len(judged._validators) == judged.MAX_VALIDATORS
    before = len(judged._validators)
    find({}, {"title": str(judged.MAX_VALIDATORS)})
    assert len(judged._validators) == before


def deep(levels: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(levels):
        found = {"items": found}
    return found


@pytest.mark.parametrize(
    ("parameters", "plain"),
    [
        (OBJECT, True),
        ({}, True),
        ({"properties": {"pattern": {"type": "string"}, "not": {}}}, True),
        ({"properties": {"a": {"enum": [{"pattern": 1}]}}}, True),
        ({"properties": {"a": {"pattern": "x"}}}, False),
        ({"properties": {"a": {"anyOf": []}}}, False),
        ({"$ref": "#/$defs/a"}, False),
        ({"items": [{"uniqueItems": True}]}, False),
        ({"description": "x" * 70_000}, False),
        (deep(60), True),
        (deep(100_000), False),
    ],
)
def test_plain_schemas_are_small_and_simple(parameters: dict[str, Any], plain: bool) -> None:
    assert is_plain(parameters) is plain
