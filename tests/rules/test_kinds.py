"""The kinds a schema accepts are found through references and branches, and never at any price."""

from __future__ import annotations

from typing import Any

import pytest

from rules.kinds import ALL, SchemaLookup, kinds

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
