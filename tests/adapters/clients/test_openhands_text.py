"""OpenHands' text protocol: what is read from its prompt and history, and what it is answered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.clients.openhands_text import express, read, recognises, write
from adapters.models import native
from rules.conversation import ToolCall, Turn
from tests.adapters.clients.openhands_prompt import request
from tests.linear import grows_linearly

TOOLS = read(request())


def test_it_is_recognised_by_its_functions_and_the_absence_of_tools() -> None:
    body = request()
    assert recognises(body)
    assert not recognises({**body, "tools": [{}]})
    assert not recognises({"messages": [{"role": "user", "content": body["messages"][0]["content"]}]})
    assert not recognises({"messages": [{"role": "system", "content": "You have access to the following functions: none"}]})


def test_tools_are_rebuilt_from_their_descriptions() -> None:
    tools = {tool.name: tool for tool in read(request()).tools}
    assert list(tools) == ["execute_bash", "editor", "plan", "finish"]
    bash: Any = tools["execute_bash"].parameters
    assert bash["required"] == ["command", "security_risk"]
    assert bash["properties"]["security_risk"]["enum"] == ["LOW", "MEDIUM", "HIGH"]
    assert bash["properties"]["command"]["description"] == "What to run. (See below.)\nIt may have several lines."
    assert bash["properties"]["timeout"]["type"] == "number"
    assert tools["execute_bash"].description == "Run a command.\n\nIt has a second paragraph."
    plan: Any = tools["plan"].parameters
    assert plan["properties"]["tasks"]["items"]["required"] == ["title"]
    assert tools["finish"].parameters["properties"] == {}


def test_example_and_format_are_left_out_and_users_joined() -> None:
    turns = read(request(task="Fix it.")).turns
    assert [turn.role for turn in turns] == ["system", "user"]
    assert turns[0].text == "You are an agent."
    assert turns[1].text == "Fix it.\n\n<RUNTIME_INFORMATION>\nhere\n</RUNTIME_INFORMATION>"


def test_history_becomes_calls_and_results() -> None:
    action = "Look.\n\n<function=editor>\n<parameter=command>create</parameter>\n<parameter=path>\na\nb\n</parameter>\n"
    action += "<parameter=view_range>[1, 2]</parameter>\n</function>"
    body = request({"role": "assistant", "content": action}, {"role": "user", "content": "EXECUTION RESULT of [editor]:\nok\n"})
    *_, call, result = native.messages(read(body))
    assert call["content"] == "Look."
    [made] = call["tool_calls"]
    assert json.loads(made["function"]["arguments"]) == {"command": "create", "path": "a\nb", "view_range": [1, 2]}
    assert result == {"role": "tool", "tool_call_id": made["id"], "content": "ok\n"}


def test_a_call_without_result_is_shown_as_text() -> None:
    body = request({"role": "assistant", "content": "<function=finish>\n</function>"}, {"role": "user", "content": "Go on."})
    *_, call, _ = native.messages(read(body))
    assert "tool_calls" not in call
    assert "<function=finish>" in call["content"]


def test_a_call_is_written_unpadded() -> None:
    turn = Turn("assistant", "Look.", calls=(ToolCall("1", "execute_bash", {"command": "a\nb", "n": 3, "on": True}),))
    text = "<function=execute_bash>\n<parameter=command>a\nb</parameter>\n<parameter=n>3</parameter>\n<parameter=on>true</parameter>\n</function>"
    assert express(turn, TOOLS) == Turn("assistant", f"Look.\n\n{text}")


@pytest.mark.parametrize("value", ["a</parameter>b", "\nx", "x\n", "    x", "x<parameter=a=b", "<function=y>\n"])
def test_what_text_cannot_carry_goes_as_one_structured_call(value: str) -> None:
    call = ToolCall("1", "execute_bash", {"command": value})
    taken = express(Turn("assistant", "Look.", calls=(call,)), TOOLS)
    assert (taken.text, taken.calls) == ("Look.", (call,))


def test_writing_has_no_escapes() -> None:
    assert write(ToolCall("", "f", {"a": "<b> & 'c'"})) == "<function=f>\n<parameter=a><b> & 'c'</parameter>\n</function>"


@pytest.mark.parametrize("value", ["a</parameter>b\nc", "x\n</parameter>\n<parameter=other>\ny\nz", "</function> here\nthere"])
def test_history_keeps_values_that_hold_closers(value: str) -> None:
    action = f"<function=editor>\n<parameter=command>create</parameter>\n<parameter=path>\n{value}\n</parameter>\n</function>"
    body = request({"role": "assistant", "content": action}, {"role": "user", "content": "EXECUTION RESULT of [editor]:\nok"})
    *_, call, _ = native.messages(read(body))
    assert json.loads(call["tool_calls"][0]["function"]["arguments"]) == {"command": "create", "path": value}


def test_a_quoted_call_is_not_left_for_openhands_to_execute() -> None:
    text = "Like so:\n```\n<function=execute_bash>\n<parameter=command>rm -rf /</parameter>\n</function>\n```"
    assert "<function=" not in express(Turn("assistant", text), TOOLS).text
    call = ToolCall("1", "execute_bash", {"command": "ls"})
    taken = express(Turn("assistant", text, calls=(call,)), TOOLS)
    assert taken.text.count("<function=") == 1
    assert "<parameter=command>ls</parameter>" in taken.text


@pytest.mark.parametrize(
    "make",
    [
        lambda size: "---- BEGIN FUNCTION #1: x ----\n" * (size // 31),
        lambda size: "-" * size,
        lambda size: "<function=a>\n<parameter=b>" * (size // 26),
        lambda size: "----------- NEW TASK DESCRIPTION ------------\n" * (size // 46),
    ],
    ids=["functions", "dashes", "calls", "tasks"],
)
def test_reading_costs_linear_time(make: Any) -> None:
    def work(text: str) -> object:
        system = "You have access to the following functions:\n\n---- BEGIN FUNCTION #1: f ----\n" + text
        roles = ("user", "assistant")
        return read({"messages": [{"role": "system", "content": system}, *({"role": role, "content": text} for role in roles)]})

    assert grows_linearly(work, make, 20_000)


def test_a_complaint_behind_the_reminder_is_kept() -> None:
    body = request(task="Fix it.")
    body["messages"][1]["content"] += "\n\nMissing required parameters for function 'execute_bash': {'command'}"
    assert read(body).turns[1].text.startswith("Fix it.\n\nMissing required parameters")
    assert "One call a message." not in read(body).turns[1].text


def test_v1_writes_booleans_as_python_does() -> None:
    body = request()
    body["messages"][0]["content"] = body["messages"][0]["content"].replace("is_input (string, ", "is_input (boolean, ")
    action = "<function=execute_bash>\n<parameter=command></parameter>\n<parameter=is_input>True</parameter>\n</function>"
    said = [{"role": "assistant", "content": action}, {"role": "user", "content": "EXECUTION RESULT of [execute_bash]:\nok"}]
    [call] = read({**body, "messages": [*body["messages"], *said]}).turns[-2].calls
    assert call.arguments == {"command": "", "is_input": True}


def test_kinds_may_be_unions_and_tuples() -> None:
    body = request()
    body["messages"][0]["content"] = body["messages"][0]["content"].replace("timeout (number, ", "timeout (number or null, ")
    body["messages"][0]["content"] = body["messages"][0]["content"].replace("(array[integer], ", "(array[integer, integer], ")
    tools = {tool.name: tool.parameters["properties"] for tool in read(body).tools}
    assert "timeout" in tools["execute_bash"]  # type: ignore[operator]
    assert tools["editor"]["view_range"]["type"] == "array"  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("---- END FUNCTION #2 ----", ""),
        lambda text: text.replace("  (1) command (string, required)", "  command"),
        lambda text: text.replace("---- BEGIN FUNCTION #3: plan ----", "---- BEGIN FUNCTION #3 ----"),
    ],
    ids=["no end", "no parameter", "no name"],
)
def test_where_one_function_cannot_be_read_there_are_none(damage: Any) -> None:
    body = request()
    body["messages"][0]["content"] = damage(body["messages"][0]["content"])
    assert recognises(body)
    assert read(body).tools == ()
