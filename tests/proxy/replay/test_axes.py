"""What can be left out of a request, and what stays together."""

from __future__ import annotations

from typing import Any

from proxy.replay.axes import AXES
from tests.proxy.turns_kept import BASH, OTHERS, history, step

TOOLS, MESSAGES, PROPERTIES = AXES


def body(messages: list[dict[str, Any]], *tools: Any) -> dict[str, Any]:
    return {"model": "m", "messages": messages, **({"tools": list(tools)} if tools else {})}


def test_a_result_goes_with_its_call() -> None:
    whole = body(history(3), BASH)
    assert MESSAGES.units(whole) == [(0,), (2, 3), (4, 5)]  # the first user message, the last call and its result stay
    kept = MESSAGES.keep(whole, [(2, 3)])
    assert [each["content"] for each in kept["messages"]] == ["Fix it.", "Step 0.", "result 0", "Step 2.", "result 2"]


def test_results_find_their_calls_by_id_and_by_place() -> None:
    two = step(1)[0] | {"tool_calls": [*step(1)[0]["tool_calls"], *step(2)[0]["tool_calls"]]}
    apart = [{"role": "user", "content": "x"}, two, step(1)[1], {"role": "user", "content": "y"}, step(2)[1]]
    assert MESSAGES.units(body([*apart, {"role": "user", "content": "z"}], BASH)) == [(0,), (1, 2, 4), (3,)]
    nameless = [
        {**step(1)[0], "tool_calls": [{"function": {"name": "bash", "arguments": "{}"}}]},
        {"role": "tool", "content": "r"},
    ]
    orphan = {"role": "tool", "tool_call_id": "nobody's", "content": "r"}
    assert MESSAGES.units(body([orphan, *nameless, {"role": "user", "content": "z"}], BASH)) == [(0,), (1, 2)]


def test_without_tools_an_action_goes_with_what_is_said_to_it() -> None:
    said = [{"role": role, "content": role} for role in ("system", "user", "assistant", "user", "assistant", "user", "user")]
    assert MESSAGES.units(body(said)) == [(0,), (1,), (2, 3), (4, 5)]


def test_tools_and_what_speaks_of_them() -> None:
    whole = body(history(0), BASH, *OTHERS) | {"tool_choice": "auto"}
    assert TOOLS.count(whole) == 11
    assert TOOLS.keep(whole, [(2,)])["tools"] == [OTHERS[1]]
    assert not TOOLS.keep(whole, []).keys() & {"tools", "tool_choice"}


def test_properties_go_with_their_being_required() -> None:
    whole = body(history(0), BASH, OTHERS[0])
    assert PROPERTIES.units(whole) == [(0, "command"), (0, "timeout"), (1, "path"), (1, "depth")]
    first, second = (each["function"]["parameters"] for each in PROPERTIES.keep(whole, [(0, "command")])["tools"])
    assert (list(first["properties"]), first["required"]) == (["command"], ["command"])
    assert (second["properties"], second["required"]) == ({}, [])


def test_odd_tools_are_left_as_they_are() -> None:
    odd: list[Any] = [None, {"function": None}, {"function": {"parameters": {"properties": []}}}, {"function": {"name": "x"}}]
    whole = body(history(0), *odd)
    assert PROPERTIES.units(whole) == []
    assert PROPERTIES.keep(whole, [])["tools"] == odd
