"""Tells which declared tool a name stands for, exactly as the rules will."""

from __future__ import annotations

from rules.calls.match_tool_name import match_tool_name
from rules.conversation import Conversation, ToolCall, Tools, ToolSpec, Turn


def declared(name: str, tools: Tools) -> ToolSpec | None:
    """Return the declared tool that a name is written for; None: there is none, or more than one."""
    within = Conversation(tools)
    known = within.tool(name)
    if known is not None or not name:
        return known
    matched = match_tool_name.apply(Turn("assistant", calls=(ToolCall("", name, {}),)), within)
    return within.tool(matched.calls[0].name) if isinstance(matched, Turn) else None


def properties(tool: ToolSpec) -> frozenset[str]:
    """Return the names of a tool's declared parameters."""
    found = tool.parameters.get("properties")
    return frozenset(found) if isinstance(found, dict) else frozenset()


def needs_nothing(tool: ToolSpec) -> bool:
    """Say whether a tool can be called without arguments."""
    return not tool.parameters.get("required")
