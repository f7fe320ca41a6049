"""A client's aliases lead to a declared tool, and to none where two could be meant."""

from __future__ import annotations

import pytest

from adapters.clients.aliases import KEY_ALIASES
from adapters.clients.openai_chat import policy_for
from rules.conversation import Policy, ToolSpec


@pytest.mark.parametrize(
    ("declared", "aliases"),
    [
        (["execute_bash"], {"bash": "execute_bash", "shell": "execute_bash", "execute_command": "execute_bash"}),
        (["terminal"], {"bash": "terminal", "shell": "terminal", "execute_bash": "terminal"}),
        (["execute_bash", "terminal"], {"execute_command": "execute_bash"}),
        (["bash", "terminal"], {}),
        (["bash", "submit"], {"execute_bash": "bash", "terminal": "bash", "shell": "bash", "finish": "submit"}),
        ([], {}),
    ],
)
def test_an_alias_has_one_target(declared: list[str], aliases: dict[str, str]) -> None:
    assert policy_for(tuple(map(ToolSpec, declared)), Policy()).tool_aliases == aliases


def declaring(name: str, *properties: str, required: tuple[str, ...] = ()) -> ToolSpec:
    return ToolSpec(name, "", {"properties": {key: {"type": "string"} for key in properties}, "required": list(required)})


@pytest.mark.parametrize(
    ("tool", "aliases"),
    [
        (declaring("bash", "command"), {"code", "script", "bash", "shell", "cmd"}),
        (declaring("any", "path", required=("path",)), {"file", "filename", "file_path"}),
        (declaring("any", "path"), set()),
        (declaring("any", "path", "file_path", required=("path", "file_path")), set()),
        (declaring("any", "path", "file", required=("path",)), {"filename", "file_path"}),
        (declaring("any", "x"), set()),
    ],
)
def test_a_key_stands_for_one_property(tool: ToolSpec, aliases: set[str]) -> None:
    found = policy_for((tool,), Policy()).key_aliases.get(tool.name, {})
    assert set(found) == aliases
    assert set(found.values()) <= {"command", "path"}


def test_no_table_takes_old_text_for_new() -> None:
    for properties in KEY_ALIASES.values():
        for name, keys in properties.items():
            assert not any({"old", "new"} == {key[:3], name[:3]} for key in keys)
