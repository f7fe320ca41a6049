"""The kinds a schema accepts are found through references and branches, and never at any price."""

from __future__ import annotations

from typing import Any

import pytest

from rules.base import repair
from rules.conversation import Conversation, ToolCall, ToolSpec, Turn
from rules.kinds import ALL, SchemaLookup, kinds
from rules.registry import RULES

ROOT: dict[str, Any] = {
    "$defs": {
        "color": {"enum": ["red", "blue"]},
        "loop": {"$ref": "#/$defs/loop"},
        "tree": {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}},
        "l0": {"type": "string"},
        **{f"l{n}": {"allOf": [{"$ref": f"#/$defs/l{n - 1}"}] * 2} for n in range(1, 25)},
    }
}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, {"integer"}),
        ({"type": "number"}, {"integer", "number"}),
        ({"type": ["integer", "null"]}, {"integer", "null"}),
        ({"type": "string", "nullable": True}, {"string", "null"}),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, {"integer", "null"}),
        ({"oneOf": [{"const": 1}, {"enum": [True]}]}, {"integer", "boolean"}),
        ({"$ref": "#/$defs/color"}, {"string"}),
        ({"$ref": "#/$defs/loop"}, ALL),
        ({"$ref": "http://127.0.0.1/x"}, ALL),
        ({"$ref": "#color"}, ALL),
        ({"allOf": [{"type": ["string", "null"]}, {"type": ["integer", "null"]}]}, {"null"}),
        ({"type": 5}, ALL),
        ({"type": ["odd", {}]}, ALL),
        (True, ALL),
        (False, set()),
        ({}, ALL),
    ],
)
def test_kinds(schema: Any, expected: set[str]) -> None:
    assert kinds(schema, ROOT) == expected


def test_an_anchor_is_no_pointer() -> None:
    root: dict[str, Any] = {"type": "object", "$defs": {"color": {"$anchor": "color", "enum": ["red"]}}}
    assert kinds({"$ref": "#"}, root) == {"object"}
    assert kinds({"$ref": "#color"}, root) == ALL
    assert kinds({"$ref": "#color/$defs/color"}, root) == ALL


def test_a_schema_that_doubles_at_each_step_ends() -> None:
    kinds({"$ref": "#/$defs/l24"}, ROOT)
    SchemaLookup(ROOT).admits("x", {"$ref": "#/$defs/l24"})


def test_members_are_found_through_references_and_optional_branches() -> None:
    lookup = SchemaLookup(ROOT)
    tree = {"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "null"}]}
    assert lookup.kinds(lookup.member(tree, "kids")) == {"array"}
    assert lookup.kinds(lookup.item(lookup.member(tree, "kids"), 3)) == {"object"}
    assert lookup.member(tree, "none") is True


def test_true_is_not_one() -> None:
    lookup = SchemaLookup({})
    assert not lookup.admits(True, {"enum": [1]})
    assert lookup.admits(1, {"enum": [1]})
    assert lookup.admits(5.0, {"type": "integer"})
    assert not lookup.admits(5.5, {"type": "integer"})


UNION: dict[str, Any] = {
    "oneOf": [
        {"properties": {"kind": {"const": "file"}, "size": {"type": "integer"}}, "required": ["kind"]},
        {"properties": {"kind": {"const": "web"}, "size": {"type": "string"}}, "required": ["kind"]},
    ]
}
BY_KEYS: dict[str, Any] = {
    "anyOf": [
        {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
        {"properties": {"b": {"type": "integer"}}, "additionalProperties": False},
    ]
}


@pytest.mark.parametrize(
    ("schema", "value", "name", "found"),
    [
        (UNION, {"kind": "file", "size": "5"}, "size", {"integer"}),
        (UNION, {"KIND": "Web", "size": 5}, "size", {"string"}),
        (UNION, {"kind": "ftp", "size": "5"}, "size", ALL),
        (UNION, {"size": "5"}, "size", ALL),
        (BY_KEYS, {"a": "5"}, "a", {"integer"}),
        (BY_KEYS, {"b": "5"}, "b", {"integer"}),
    ],
)
def test_an_object_singles_out_the_branch_that_may_accept_it(schema: Any, value: Any, name: str, found: set[str]) -> None:
    lookup = SchemaLookup(schema)
    assert lookup.kinds(lookup.member(lookup.narrowed(schema, value), name)) == found


def test_a_branch_that_is_singled_out_speaks_alone_of_the_keys() -> None:
    lookup = SchemaLookup(UNION)
    narrowed = lookup.narrowed(UNION, {"kind": "web"})
    assert lookup.speaks_in_branches(UNION)
    assert not lookup.speaks_in_branches(narrowed)
    assert lookup.narrowed(UNION, {"kind": "web", "size": "x"}) is narrowed


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ({"oneOf": [{"const": "a"}, {"const": "b"}]}, ["a", "b"]),
        ({"anyOf": [{"enum": ["a"]}, {"type": "null"}]}, ["a"]),
        ({"anyOf": [{"enum": ["a"]}, {"type": "string"}]}, None),
        ({"enum": ["a", "b", 1], "allOf": [{"enum": ["b", "c"]}]}, ["b"]),
        ({"$ref": "#/$defs/color"}, ["red", "blue"]),
        ({"type": "string"}, None),
        (True, None),
    ],
)
def test_choices_are_found_wherever_they_are_counted(schema: Any, found: list[str] | None) -> None:
    assert SchemaLookup(ROOT).choices(schema, "string") == found


def test_null_for_what_is_not_given_hides_no_branch() -> None:
    file = {"type": "object", "properties": {"kind": {"const": "file"}, "mode": {"enum": ["r", "w"]}}, "required": ["kind"]}
    web = {"type": "object", "properties": {"kind": {"const": "web"}, "mode": {"type": "string"}}, "required": ["kind"]}
    tools = (ToolSpec("open", "", {"type": "object", "properties": {"what": {"oneOf": [file, web]}}, "required": ["what"]}),)
    call = ToolCall("c1", "open", {"what": {"kind": "file", "mode": None}})
    mended = repair(Turn("assistant", calls=(call,)), Conversation(tools), RULES).turn
    assert mended.calls[0].arguments == {"what": {"kind": "file"}}
