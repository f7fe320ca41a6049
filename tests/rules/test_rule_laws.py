"""What holds for all rules together, on any turn."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules.base import Problem, repair
from rules.conversation import Conversation, Policy, ToolCall, ToolSpec, Turn
from rules.registry import RULES
from rules.samples import TOOLS, tool
from rules.schema import Uncheckable, findings

ODD = ToolSpec(
    "odd",
    "",
    {
        "type": "object",
        "$defs": {"color": {"enum": ["Red", "Blue", "1"]}, "tree": {"properties": {"kids": {"items": {"$ref": "#/$defs/tree"}}}}},
        "properties": {
            "color": {"$ref": "#/$defs/color"},
            "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "tree": {"$ref": "#/$defs/tree"},
            "ratio": {"type": "number"},
            "flags": {"type": "array", "items": {"type": "boolean"}},
        },
        "required": ["color"],
    },
)
WITHIN = Conversation((*TOOLS.tools, ODD))
STRICT = Conversation(
    (*TOOLS.tools, ODD, tool("risky", {"command": {"type": "string"}, "risk": {"enum": ["LOW"]}}, "command", "risk")),
    policy=Policy(several="first", fill={"risk": "LOW"}, tool_aliases={"bash": "execute_bash"}, forbidden=("</function",)),
)

TEXTS = st.sampled_from([
    "30", " 30\n", "True", "false ", "low", '"HIGH"', "[1, 2]", "1, 40", "{'title': 'x', 'done': 'true'}", '["{}"]', "", "null",
    '{"a": "b', "</function>", "red", "007", "3.0", "1e400", "ten", '"\\"x\\""', '[{"title": 5}]', "view", "CREATE", "2.5",
])  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 99) | st.floats(allow_nan=False) | TEXTS | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["title", "done", "kids"]), inner, max_size=3),
    max_leaves=6,
)

NEAR: dict[str, list[Any]] = {
    "command": ["ls", 94107, "view", " VIEW\n", '"create"', True, None, "echo '</function>'"],
    "path": ["/a.py", "\n/a.py\n", 5],
    "view_range": ["1, 40", "[1, 5]", [1, "5"], None, [1, 2], ["1"]],
    "is_input": [True, "True", "false", None],
    "security_risk": ["low", "\nLOW\n", "HIGH", None, "none"],
    "risk": ["low", "LOW", None],
    "seconds": ["30", 30, " 3\n", "3.0", 3.0, "ten", "007", None],
    "loudly": ["True", "false\n", True, None, "yes", 1],
    "todos": [{"title": "x"}, '[{"title": 5}]', "{'done': 'true'}", [{"title": 5, "done": "False"}, '{"title": "y"}'], []],
    "color": ["red", "Blue", 1, "1", " blue "],
    "maybe": ["5", None, 5, "null"],
    "tree": ['{"kids": ["{}"]}', {"kids": [{"kids": []}]}, "{}"],
    "ratio": ["2.5", 1, "1e400"],
    "flags": [["true", False], "[True]", "true"],
}


def near(name: str) -> st.SearchStrategy[Any]:
    often = st.sampled_from(NEAR[name]) if name in NEAR else VALUES
    return st.integers(0, 5).flatmap(lambda roll: often if roll else VALUES)


def arguments_of(spec: ToolSpec) -> st.SearchStrategy[dict[str, Any]]:
    declared: dict[str, Any] = dict(spec.parameters).get("properties", {})
    required: list[str] = dict(spec.parameters).get("required", [])
    optional = {name: near(name) for name in [*declared, "arguments", "why"] if name not in required}
    members = st.fixed_dictionaries({name: near(name) for name in required}, optional=optional)
    return members | members | st.dictionaries(st.sampled_from([*declared, "arguments", "why"]), VALUES, max_size=2)


def calls_of(spec: ToolSpec) -> st.SearchStrategy[ToolCall]:
    found = arguments_of(spec)
    written = found.map(json.dumps) | found.map(repr) | found.map(json.dumps).map(json.dumps) | TEXTS
    wrapped = found.map(lambda inner: {"arguments": inner})
    name = spec.name
    odd = st.sampled_from([f"functions.{name}", name.title(), f"a:{name}", "bash", "", "x"])
    names = st.integers(0, 4).flatmap(lambda roll: st.just(name) if roll else odd)
    whole = st.integers(0, 6).map(bool)
    return st.builds(ToolCall, st.just("c1"), names, found | found | wrapped | written, whole)


CALLS = st.sampled_from(STRICT.tools).flatmap(calls_of)
TURNS = st.builds(
    Turn,
    st.just("assistant"),
    text=st.sampled_from(["", "So."]),
    calls=(st.lists(CALLS, max_size=1) | st.lists(CALLS, max_size=3)).map(tuple),
    ending=st.sampled_from(["stop", "stop", "length", "cut", "unsure"]),
)
CONVERSATIONS = st.sampled_from([WITHIN, WITHIN, STRICT, STRICT, Conversation()])


@given(TURNS, CONVERSATIONS)
def test_mending_twice_changes_nothing_more(turn: Turn, within: Conversation) -> None:
    once = repair(turn, within, RULES, trap=False)
    again = repair(once.turn, within, RULES, trap=False)
    assert again.turn == once.turn
    assert again.repairs == ()
    assert (again.problem and again.problem.reason) == (once.problem and once.problem.reason)


@given(TURNS, CONVERSATIONS)
def test_every_rule_alone_has_nothing_left_to_do_after_itself(turn: Turn, within: Conversation) -> None:
    for each in RULES:
        outcome = each.apply(turn, within)
        if not isinstance(outcome, Problem):
            assert each.apply(outcome, within) == outcome, each.name


@given(TURNS, CONVERSATIONS)
def test_a_turn_without_a_problem_is_right(turn: Turn, within: Conversation) -> None:
    verdict = repair(turn, within, RULES, trap=False)
    if verdict.problem is not None:
        assert all(len(line) <= 300 for line in verdict.problem.advice.splitlines())
        return
    for call in verdict.turn.calls:
        spec = within.tool(call.name)
        assert spec is not None
        assert not isinstance(call.arguments, str)
        assert call.whole or turn.ending == "stop"
        if spec is not ODD:
            assert findings(call, spec) == []


@given(CALLS)
def test_members_that_were_right_stay_as_they_are(call: ToolCall) -> None:
    turn = Turn("assistant", calls=(call,))
    spec = WITHIN.tool(call.name)
    if spec is None or isinstance(call.arguments, str):
        return
    declared: Any = spec.parameters["properties"]
    verdict = repair(turn, WITHIN, RULES, trap=False)
    (mended,) = verdict.turn.calls
    for name, value in call.arguments.items():
        if name in declared and right(value, {**spec.parameters, "required": [], "properties": {name: declared[name]}}):
            assert not isinstance(mended.arguments, str)
            assert repr(mended.arguments.get(name)) == repr(value)


def right(value: Any, parameters: dict[str, Any]) -> bool:
    (name,) = parameters["properties"]
    try:
        return findings(ToolCall("", "", {name: value}), ToolSpec("", "", parameters)) == []
    except Uncheckable:
        return False


@given(TURNS, CONVERSATIONS)
def test_nothing_that_was_given_is_changed(turn: Turn, within: Conversation) -> None:
    before = copy.deepcopy(turn)
    tools = copy.deepcopy(within.tools)
    repair(turn, within, RULES, trap=False)
    assert repr(turn) == repr(before)
    assert within.tools == tools


@given(CALLS)
def test_what_nobody_mends_keeps_the_text_it_came_as(call: ToolCall) -> None:
    turn = Turn("assistant", calls=(replace(call, written="as it came"),))
    verdict = repair(turn, WITHIN, RULES, trap=False)
    if not verdict.repairs:
        assert all(call.written == "as it came" for call in verdict.turn.calls)
    else:
        assert all(each.written is None or each.arguments == call.arguments for each in verdict.turn.calls)


@given(st.text(), st.text(max_size=50))
def test_no_rule_raises_on_any_text(text: str, name: str) -> None:
    for whole in (True, False):
        turn = Turn("assistant", calls=(ToolCall("c1", name, text, whole), ToolCall("c2", "str_replace_editor", text)))
        assert repair(turn, WITHIN, RULES, trap=False).problem is not None


MALFORMED: list[Any] = [
    {"type": 5, "properties": [], "required": "a"},
    {"properties": {"a": 5, "b": {"enum": 7, "type": [{}]}}, "required": [5, ["x"]]},
    {"$ref": "#", "anyOf": 5, "allOf": {"a": 1}},
    {"properties": {"a": {"items": [5], "$ref": "#/properties/a"}}},
    {"properties": {"a": False}, "additionalProperties": 5},
    {"properties": {"a": {}}, "required": [["a"], {}]},
    {"$schema": ["x"], "properties": {"a": {}}},
    {"$schema": {}, "properties": {"b": {"$ref": "#anchor"}}},
]


@given(st.dictionaries(st.sampled_from("ab"), VALUES), st.sampled_from(MALFORMED))
def test_no_rule_raises_on_a_malformed_schema(arguments: dict[str, Any], schema: Any) -> None:
    within = Conversation((ToolSpec("t", "", schema),), policy=Policy(fill={"a": 1}, several="first"))
    repair(Turn("assistant", calls=(ToolCall("c1", "t", arguments), ToolCall("c2", "t", '"x"'))), within, RULES, trap=False)
