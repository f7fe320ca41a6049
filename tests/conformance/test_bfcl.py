"""BFCL's declarations and answers become tools and calls that say the same."""

from __future__ import annotations

from typing import Any

import pytest

from rules.conversation import Json, ToolCall
from tests.conformance.bfcl_cases import Case, make_case
from tests.conformance.bfcl_schema import convert


def member(**declared: Any) -> dict[str, Any]:
    """Convert the declaration of one argument."""
    return convert({"type": "dict", "properties": {"a": declared}})["properties"]["a"]


def case(declared: dict[str, Any], allowed: dict[str, list[Json]], *required: str) -> Case:
    """Make a case of one call of one tool."""
    parameters = {"type": "dict", "properties": declared, "required": list(required)}
    return make_case("c", [{"name": "math.f", "parameters": parameters}], [{"math.f": allowed}])


@pytest.mark.parametrize(
    ("declared", "converted"),
    [
        ("dict", "object"),
        ("float", "number"),
        ("tuple", "array"),
        ("String", "string"),
        ("long", "integer"),
        ("boolean", "boolean"),
    ],
)
def test_a_type_of_another_language_becomes_that_of_json(declared: str, converted: str) -> None:
    assert member(type=declared) == {"type": converted}


def test_members_and_items_are_converted_as_well() -> None:
    inner = {"type": "dict", "properties": {"b": {"type": "float"}}, "required": ["b"]}
    wanted = {"type": "object", "properties": {"b": {"type": "number"}}, "required": ["b"]}
    assert member(type="tuple", items=inner) == {"type": "array", "items": wanted}


def test_any_says_nothing_of_the_type() -> None:
    assert member(type="any") == member() == {}


def test_an_unknown_type_is_an_error() -> None:
    with pytest.raises(KeyError):
        member(type="Quaternion")


def test_a_default_of_null_admits_null() -> None:
    assert member(type="string", default=None) == {"type": ["string", "null"]}
    assert member(type="string", enum=["x"], default=None) == {"type": ["string", "null"], "enum": ["x", None]}
    assert member(type="integer", default="None") == {"type": ["integer", "null"]}


def test_a_default_that_is_a_text_admits_no_null() -> None:
    assert member(type="string", default="None") == {"type": "string"}


def test_a_default_beside_the_choices_is_one_of_them() -> None:
    assert member(type="string", enum=["x", "y"], default="N/A") == {"type": "string", "enum": ["x", "y", "N/A"]}
    assert member(type="string", enum=["x", "y"], default="y") == {"type": "string", "enum": ["x", "y"]}


def test_the_choices_of_an_array_are_those_of_its_items() -> None:
    assert member(type="array", items={"type": "string"}, enum=["x"]) == {
        "type": "array",
        "items": {"type": "string", "enum": ["x"]},
    }


@pytest.mark.parametrize(
    ("allowed", "value"),
    [([5, 6], 5), (["", 5], 5), ([False], False), ([0, 1], 0), ([None, ""], None), ([[1, 2], [2, 1]], [1, 2]), ([5.0], 5.0)],
)
def test_the_first_right_value_is_taken(allowed: list[Json], value: Json) -> None:
    assert case({"a": {"type": "any"}}, {"a": allowed}).calls == (ToolCall("", "math.f", {"a": value}),)


def test_what_may_only_be_left_out_is_left_out() -> None:
    assert case({"a": {"type": "string"}}, {"a": [""]}).calls[0].arguments == {}


def test_objects_have_right_values_for_each_member() -> None:
    nested = {"x": [1, 2], "y": ["", "far"], "z": [""]}
    allowed: dict[str, list[Json]] = {"a": [nested], "b": [[nested, {"x": [7]}]]}  # type: ignore[dict-item,list-item]
    found = case({"a": {"type": "dict"}, "b": {"type": "array"}}, allowed)
    assert found.calls[0].arguments == {"a": {"x": 1, "y": "far"}, "b": [{"x": 1, "y": "far"}, {"x": 7}]}


@pytest.mark.parametrize(
    ("declared", "allowed", "why"),
    [
        ({"type": "integer"}, {"a": [5]}, ""),
        ({"type": "integer"}, {"a": ["five"]}, "a value of another type"),
        ({"type": "integer"}, {"a": [""]}, "without a required argument"),
        ({"type": "integer"}, {"a": [5], "b": [6]}, "an argument that is not declared"),
        ({"type": "string", "enum": ["x"]}, {"a": ["y"]}, "a value that is none of the choices"),
    ],
)
def test_an_answer_that_its_own_declaration_refuses_is_not_used(
    declared: dict[str, Any], allowed: dict[str, list[Json]], why: str
) -> None:
    assert case({"a": declared}, allowed, "a").unusable == why


def test_an_answer_for_another_tool_is_not_used() -> None:
    assert make_case("c", [], [{"f": {}}]).unusable == "a tool that is not declared"
