"""Cline and its kin: tools from sections of the prompt, calls and results from the history."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.base import Unwritable
from adapters.clients.cline_xml import express, read, recognises
from rules.conversation import ToolCall, Turn
from tests.adapters.clients.prompts import CLINE, REQUESTS

WITHIN = read(REQUESTS["cline_xml"]())


def written(name: str, **arguments: Any) -> str:
    return express(Turn("assistant", calls=(ToolCall("1", name, arguments),)), WITHIN).text


def test_tools_are_read_from_their_sections() -> None:
    tools = {tool.name: tool for tool in WITHIN.tools}
    assert list(tools) == ["read_file", "write_to_file", "execute_command", "done"]
    assert tools["read_file"].parameters["required"] == ["path"]
    assert list(tools["read_file"].parameters["properties"]) == ["path", "lines"]  # type: ignore[arg-type]
    assert tools["write_to_file"].description == "Writes a file.\nIt takes its whole content."
    assert tools["done"].parameters["properties"] == {}


def test_a_tool_without_parameters_makes_them_all_unreadable() -> None:
    system = CLINE.replace("Parameters:\n- command: (required) What to run.\n", "")
    body = {"messages": [{"role": "system", "content": system}]}
    assert recognises(body)
    assert read(body).tools == ()


def test_it_is_not_taken_for_what_only_looks_like_it() -> None:
    sections = "## read_file\nDescription: A chapter about files.\n\n## Next\nDescription: More."
    assert not recognises({"messages": [{"role": "system", "content": sections}]})
    assert not recognises({"messages": [{"role": "user", "content": CLINE}]})
    assert not recognises({**REQUESTS["cline_xml"](), "tools": [{}]})


def test_a_history_becomes_calls_and_results() -> None:
    action = "I write.\n<write_to_file>\n<path>a</path>\n<content>\n<content>x</content>\n</content>\n</write_to_file>\nand so on"
    body = REQUESTS["cline_xml"]()
    result = [{"type": "text", "text": "[write_to_file for 'a'] Result:"}, {"type": "text", "text": "ok"}]
    said = [{"role": "assistant", "content": action}, {"role": "user", "content": result}]
    *_, acted, shown = read({**body, "messages": [*body["messages"], *said]}).turns
    assert acted.text == "I write."
    assert [(call.name, call.arguments) for call in acted.calls] == [
        ("write_to_file", {"path": "a", "content": "<content>x</content>"})
    ]
    assert (shown.role, shown.answers) == ("tool", acted.calls[0].id)


def test_one_line_stands_between_its_tags_and_several_on_lines_of_their_own() -> None:
    text = written("write_to_file", path="a", content="x\n  y\n")
    assert text == "<write_to_file>\n<path>a</path>\n<content>\nx\n  y\n\n</content>\n</write_to_file>"


@pytest.mark.parametrize("content", ["<a></content>b", "</write_to_file>", "</path>", "<path>"])
def test_a_file_may_hold_tags(content: str) -> None:
    assert content in written("write_to_file", path="a", content=content)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("read_file", {"path": "a</path>"}),
        ("write_to_file", {"path": "a", "content": "</content></write_to_file>"}),
        ("write_to_file", {"path": "a", "content": "</content><path>b</path>"}),
        ("write_to_file", {"path": "a", "content": "    indented"}),
        ("read_file", {"path": "\ud800"}),
    ],
)
def test_what_would_be_read_back_as_another_is_refused(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(Unwritable):
        written(name, **arguments)


def test_only_tags_of_tools_are_broken_up_in_prose() -> None:
    said = express(Turn("assistant", "Use <read_file> or <div>."), WITHIN)
    assert said.text == "Use <read_file > or <div>."
