"""What the clients of text actions find in their own histories, and what they are told apart by."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.clients import (
    mini_swe_agent_fence,
    mini_swe_agent_tag,
    swe_agent_json,
    swe_agent_thought_action,
    swe_agent_xml_function_calling,
    swe_agent_xml_thought_action,
)
from adapters.registry import CLIENTS
from rules.conversation import ToolCall, Turn
from tests.adapters.clients.prompts import REQUESTS

NAMED = {client.name: client for client in CLIENTS}
BASH = {"command": "ls"}


@pytest.mark.parametrize(
    ("find", "text", "found"),
    [
        (mini_swe_agent_fence.find, "T\n\n```mswea_bash_command  \nls\n```\n", ("T", "bash", BASH)),
        (mini_swe_agent_fence.find, "```mswea_bash_command\n\n```", ("", "bash", {"command": ""})),
        (mini_swe_agent_fence.find, "```bash\nls\n```", None),
        (mini_swe_agent_fence.find, "```mswea_bash_command\nls", None),
        (mini_swe_agent_tag.find, "T <mswea_bash_command> ls </mswea_bash_command>", ("T", "bash", BASH)),
        (mini_swe_agent_tag.find, "</mswea_bash_command><mswea_bash_command>", None),
        (swe_agent_thought_action.find, "```py\nx\n```\n```\nls\n```\nend", ("```py\nx\n```", "bash", BASH)),
        (swe_agent_thought_action.find, "```\nsubmit\n```", ("", "submit", {})),
        (swe_agent_thought_action.find, "```a\n```b\nx\n```\n```", ("", "bash", {"command": "```b\nx\n```"})),
        (swe_agent_thought_action.find, " ```\nls\n ```", None),
        (
            swe_agent_xml_thought_action.find,
            "<command>a</command> T <command>\nls\n</command>",
            ("<command>a</command> T", "bash", BASH),
        ),
        (swe_agent_xml_thought_action.find, "</command><command>", None),
        (
            swe_agent_xml_function_calling.find,
            "T\n<function=bash>\n<parameter=command> ls\n</parameter>\n</function>",
            ("T", "bash", BASH),
        ),
        (swe_agent_xml_function_calling.find, "<function=submit>\n</function>", ("", "submit", {})),
        (swe_agent_xml_function_calling.find, "<function=submit></function>", None),
        (
            swe_agent_json.find,
            '{"thought": "T", "command": {"name": "bash", "arguments": {"command": "ls"}}}',
            ("T", "bash", BASH),
        ),
        (swe_agent_json.find, '{"thought": "T", "command": {"name": "submit"}}', ("T", "submit", {})),
        (swe_agent_json.find, 'So: {"thought": "T", "command": {"name": "submit"}}', None),
        (swe_agent_json.find, '{"thought": "T"}', None),
    ],
)
def test_an_action_is_found_as_the_client_finds_it(find: Any, text: str, found: Any) -> None:
    assert find(text) == found


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("bash -c 'ls -la'", ("bash", {"command": "ls -la"})),
        ("submit", ("submit", {})),
        ("bash x.sh", ("bash", {"command": "bash x.sh"})),
        ("bash 'open", ("bash", {"command": "bash 'open"})),
    ],
)
def test_a_line_is_read_as_the_command_that_it_is(line: str, call: Any) -> None:
    body = REQUESTS["swe_agent_action"]()
    said = {"role": "assistant", "content": line}
    [made] = NAMED["swe_agent_action"].read({**body, "messages": [*body["messages"], said]}).turns[-1].calls
    assert (made.name, made.arguments) == call


def test_a_command_whose_first_word_only_looks_like_a_tool_is_run_in_a_shell() -> None:
    """To a shell U+00A0 is no blank. (Found by a law, tests/laws/test_clients.py.)"""
    client = NAMED["swe_agent_action"]
    within = client.read(REQUESTS["swe_agent_action"]())
    said = client.express(Turn("assistant", calls=(ToolCall("c", "bash", {"command": "\xa0submit"}),)), within)
    assert said.text == "bash -c '\xa0submit'"
    assert client.express(Turn("assistant", calls=(ToolCall("c", "bash", {"command": " submit"}),)), within).text == " submit"


def test_a_message_behind_prose_is_no_result() -> None:
    body = REQUESTS["mini_swe_agent_fence"]()
    said = [{"role": "assistant", "content": "Done?"}, {"role": "user", "content": "No action found."}]
    turns = NAMED["mini_swe_agent_fence"].read({**body, "messages": [*body["messages"], *said]}).turns
    assert [turn.role for turn in turns] == ["system", "user", "assistant", "user"]


@pytest.mark.parametrize("name", [name for name in REQUESTS if name not in ("passthrough", "openai_chat")])
def test_a_client_is_known_by_what_it_shows_alone(name: str) -> None:
    plain = {"messages": [{"role": "system", "content": "You help."}, {"role": "user", "content": "Fix it."}]}
    assert not NAMED[name].recognises(plain)
    body = REQUESTS[name]()
    quoted = {"messages": [*plain["messages"], {"role": "assistant", "content": "Well."}, *body["messages"]]}
    if name != "openhands_text":
        assert not NAMED[name].recognises({key: value for key, value in quoted.items() if key != "tools"})
    if not body.get("tools"):
        assert not NAMED[name].recognises({**body, "tools": REQUESTS["openai_chat"]()["tools"]})


def test_view_ranges_without_a_sign_stay_a_call_of_the_editor() -> None:
    within = NAMED["swe_agent_xml_function_calling"].read({"messages": []})
    call = ToolCall("1", "str_replace_editor", {"command": "view", "path": "/a", "view_range": [5, 10]})
    text = swe_agent_xml_function_calling.express(Turn("assistant", calls=(call,)), within).text
    assert "<function=str_replace_editor>\n<parameter=command>view</parameter>" in text
    assert "<parameter=view_range>[5, 10]</parameter>" in text
    open_end = call.having({**call.arguments, "view_range": [5, -1]})  # type: ignore[dict-item]
    text = swe_agent_xml_function_calling.express(Turn("assistant", calls=(open_end,)), within).text
    assert "<parameter=command>str_replace_editor view /a --view_range 5 -1</parameter>" in text
