"""SWE-agent's tools as command lines."""

from __future__ import annotations

import pytest

from adapters.base import Unwritable
from adapters.clients.swe_agent_commands import TOOLS, command_of, documented, offered, reroute
from rules.conversation import Json, ToolCall
from tests.adapters.clients.judges import line
from tests.adapters.clients.prompts import DOCUMENTED


def test_tools_are_offered_as_the_prompt_documents_them() -> None:
    assert documented(DOCUMENTED) == {"bash", "open", "edit", "submit"}
    assert [tool.name for tool in offered(DOCUMENTED)] == ["bash", "submit"]
    assert offered("You help.") == TOOLS


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ({"command": "view", "path": "/a b", "view_range": [5, -1]}, "str_replace_editor view '/a b' --view_range 5 -1"),
        ({"command": "create", "path": "/a", "file_text": "it's"}, "str_replace_editor create /a --file_text='it'\"'\"'s'"),
        (
            {"command": "insert", "path": "/a", "insert_line": 0, "new_str": "-x"},
            "str_replace_editor insert /a --insert_line=0 --new_str=-x",
        ),
        (
            {"command": "str_replace", "path": "/a", "old_str": " x", "new_str": None},
            "str_replace_editor str_replace /a --old_str=' x'",
        ),
    ],
)
def test_an_editors_call_is_a_command_line(arguments: dict[str, Json], command: str) -> None:
    assert command_of(ToolCall("1", "str_replace_editor", arguments)) == command
    kept = {name: value for name, value in arguments.items() if value is not None}
    assert line(command) == ("str_replace_editor", kept)


def test_submitting_takes_nothing() -> None:
    assert command_of(ToolCall("1", "submit", {})) == "submit"


@pytest.mark.parametrize(
    "call",
    [
        ToolCall("1", "bash", {}),
        ToolCall("1", "bash", {"command": ["ls"]}),
        ToolCall("1", "bash", "ls"),
        ToolCall("1", "open", {"path": "/a"}),
        ToolCall("1", "str_replace_editor", {"command": "view"}),
        ToolCall("1", "bash", {"command": "a\x00"}),
    ],
)
def test_what_is_no_command_is_refused(call: ToolCall) -> None:
    with pytest.raises(Unwritable):
        command_of(call)


def test_a_command_with_an_end_of_its_own_keeps_its_here_document() -> None:
    assert line(reroute("edit 1:2\n```\nx\nend_of_edit")) == ("bash", "edit 1:2 << 'end_of_edit'\n```\nx\nend_of_edit")
    assert line(reroute("cd /a\nedit 1:2\n```\nend_of_edit")) == ("bash", "cd /a\nedit 1:2 << 'end_of_edit'\n```\nend_of_edit")
    given = "cat <<'end_of_edit'\nedit\n```\nend_of_edit"
    assert line(reroute(given)) == ("bash", given)
