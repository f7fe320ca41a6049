"""What a model is asked for under a grammar, and what becomes of what it wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from adapters.structured.constraint import RUNGS, Constraint, constraint_for
from adapters.structured.relaxed import Unbuildable, relaxed, relaxed_calls
from rules.base import Problem, repair
from rules.conversation import Conversation, ToolCall, ToolSpec, Turn
from rules.registry import RULES

TEXT = {"type": "string"}
EDIT = ToolSpec("edit", "", {"type": "object", "properties": {"path": TEXT, "line": {"type": "integer"}}, "required": ["path"]})
LOOK = ToolSpec("look", "", {"type": "object", "properties": {}})
LINKED = ToolSpec(
    "link",
    "",
    {
        "type": "object",
        "properties": {"to": {"$ref": "#/$defs/node"}},
        "required": ["to"],
        "$defs": {"node": {"type": "object", "properties": {"id": TEXT, "next": {"$ref": "#/$defs/node"}}, "required": ["id"]}},
    },
)
WITHIN = Conversation((EDIT, LOOK, LINKED))


def turn_with(*calls: ToolCall) -> Turn:
    return Turn("assistant", "Now.", calls=calls)


def made(rung: Any, turn: Turn, within: Conversation = WITHIN) -> tuple[Problem, Constraint]:
    problem = repair(turn, within, RULES).problem
    assert problem is not None
    constraint = constraint_for(rung, problem, turn, within)
    assert constraint is not None
    return problem, constraint


def test_what_is_missing_is_put_into_its_call_and_nothing_else_changes() -> None:
    turn = turn_with(ToolCall("a", "look", {}), ToolCall("b", "edit", {"line": 3}))
    _, constraint = made("members", turn)
    assert (constraint.names, constraint.needed) == (("path",), ("path",))
    settled = constraint.settled(turn, '{"path": "/a", "line": 9}')
    assert settled == turn_with(ToolCall("a", "look", {}), ToolCall("b", "edit", {"line": 3, "path": "/a"}))


@pytest.mark.parametrize("text", ["", "{}", "[1]", '"/a"', '{"path": "/a"', "path: /a", "no"])
def test_what_was_not_asked_for_is_not_taken(text: str) -> None:
    turn = turn_with(ToolCall("b", "edit", {"line": 3}))
    assert made("members", turn)[1].settled(turn, text) is None


def test_a_wrong_value_that_need_not_be_there_may_go() -> None:
    turn = turn_with(ToolCall("b", "edit", {"path": "/a", "line": "many"}))
    _, constraint = made("members", turn)
    assert (constraint.names, constraint.needed) == (("line",), ())
    settled = constraint.settled(turn, "{}")
    assert settled is not None
    assert settled.calls[0].arguments == {"path": "/a"}


def test_a_call_takes_the_place_of_the_one_that_was_wrong() -> None:
    turn = turn_with(ToolCall("a", "look", {}), ToolCall("b", "eddit it", {"path": "/a"}))
    _, constraint = made("call", turn)
    settled = constraint.settled(turn, '{"name": "edit", "arguments": {"path": "/a"}}')
    assert settled == turn_with(ToolCall("a", "look", {}), ToolCall("b", "edit", {"path": "/a"}))


def test_a_call_is_made_where_there_was_none() -> None:
    within = replace(WITHIN, policy=replace(WITHIN.policy, choice="required"))
    turn = Turn("assistant", "No.")
    _, constraint = made("call", turn, within)
    settled = constraint.settled(turn, '{"name": "look", "arguments": {}}')
    assert settled == replace(turn, calls=(ToolCall("", "look", {}),))


def test_a_cut_call_is_never_completed() -> None:
    cut = replace(turn_with(ToolCall("b", "edit", {"path": "/a"}, whole=False)), ending="length")
    problem = repair(cut, WITHIN, RULES).problem
    assert problem is not None
    assert problem.reason == "truncated"
    assert constraint_for("members", problem, cut, WITHIN) is None
    assert constraint_for("arguments", problem, cut, WITHIN) is None


def test_two_calls_that_are_the_same_cannot_be_told_apart() -> None:
    call = ToolCall("", "edit", {"line": 1})
    problem = Problem("missing-arguments", "model-arguments", "", call, members=("path",))
    assert constraint_for("members", problem, turn_with(call, replace(call, id="x")), WITHIN) is None


@given(st.permutations([EDIT, LOOK, LINKED]), st.integers(1, 3))
def test_any_call_of_the_tools_fits_and_no_other(tools: list[ToolSpec], number: int) -> None:
    """Definitions of several tools live side by side: a reference still finds its own."""
    judge = Draft202012Validator(relaxed_calls(tuple(tools[:number])))
    right: dict[str, Any] = {"edit": {"path": "/a"}, "look": {}, "link": {"to": {"id": "a", "next": {"id": "b"}}}}
    names = {tool.name for tool in tools[:number]}
    for name, arguments in right.items():
        assert judge.is_valid({"name": name, "arguments": arguments}) == (name in names)
        assert not judge.is_valid({"name": name, "arguments": {"other": 1}})
    assert not judge.is_valid({"name": "link", "arguments": {"to": {"next": {"id": "b"}}}})


@pytest.mark.parametrize("reference", ["#", "#/properties/path", "#/$defs/none", "https://x.invalid/s.json", "#/$defs/a/b"])
def test_a_reference_that_leads_nowhere_in_the_grammar_is_not_built(reference: str) -> None:
    with pytest.raises(Unbuildable):
        relaxed(
            {
                "type": "object",
                "properties": {"a": {"$ref": reference}, "path": TEXT},
                "$defs": {"a": {"properties": {"b": TEXT}}},
            }
        )


def test_only_definitions_that_are_used_are_carried() -> None:
    schema = {**LINKED.parameters, "properties": {**LINKED.parameters["properties"], "n": {"type": "boolean"}}}  # type: ignore[dict-item]
    assert "$defs" not in relaxed(schema, ("n",))
    assert list(relaxed(schema)["$defs"]) == ["node"]  # type: ignore[arg-type]


def test_an_object_of_any_members_stays_one() -> None:
    schema = relaxed({"type": "object", "additionalProperties": {"type": "integer"}})
    assert Draft202012Validator(schema).is_valid({"a": 1})
    assert not Draft202012Validator(schema).is_valid({"a": "x"})


def test_every_ladder_has_words_in_it_and_ends() -> None:
    for rungs in RUNGS.values():
        assert rungs.count("words") == 1
        assert len(set(rungs)) == len(rungs)


def test_the_schemas_are_json() -> None:
    assert json.loads(json.dumps(relaxed_calls(WITHIN.tools)))
