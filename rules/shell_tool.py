"""Which of the declared tools runs shell commands."""

from __future__ import annotations

from rules.conversation import Tools, ToolSpec
from rules.kinds import lookup_of


def shell_tool(tools: Tools) -> ToolSpec | None:
    """Return the one tool that takes a free `command` and needs it; None where there is none, or more than one."""
    found = [tool for tool in tools if _is_shell(tool)]
    return found[0] if len(found) == 1 else None


def _is_shell(tool: ToolSpec) -> bool:
    lookup = lookup_of(tool.parameters)
    command = lookup.member(tool.parameters, "command")
    free = isinstance(command, dict) and command.get("type") == "string" and "enum" not in command
    return free and "command" in lookup.required(tool.parameters)
