"""A client's aliases lead to a declared tool, and to none where two could be meant."""

from __future__ import annotations

import pytest

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
