"""Tool names written a little differently from how they were declared."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from rules.base import Example, asks, declaring, rule
from rules.conversation import Conversation, ToolCall, Turn
from rules.declared_tool import declared_tool
from rules.samples import TEXT, TOOLS, tool

_ALIKE: Final = declaring(tool("note", {"text": TEXT}), tool("NOTE", {"text": TEXT}))


@rule(
    "form",
    Example("a namespace", asks("functions.wait", seconds=1), asks("wait", seconds=1), TOOLS),
    Example("a namespace twice", asks("functions.functions.wait", seconds=1), asks("wait", seconds=1), TOOLS),
    Example("the last part of several", asks("google:rpc:wait", seconds=1), asks("wait", seconds=1), TOOLS),
    Example("a doubled name", asks("wait:wait", seconds=1), asks("wait", seconds=1), TOOLS),
    Example("markup behind the name", asks("wait </parameter", seconds=1), asks("wait", seconds=1), TOOLS),
    Example("quotes and blanks", asks('"wait" ', seconds=1), asks("wait", seconds=1), TOOLS),
    Example("case and dashes", asks("Execute-Bash", command="ls"), asks("execute_bash", command="ls"), TOOLS),
    Example("words run together", asks("executeBash", command="ls"), asks("execute_bash", command="ls"), TOOLS),
    Example("a call that is counted", asks("functions.wait:0", seconds=1), asks("wait", seconds=1), TOOLS),
    Example("one of two", asks("Note", text="x"), asks("Note", text="x"), _ALIKE),
    Example("a name that only resembles one", asks("wait_console"), asks("wait_console"), TOOLS),
)
def match_tool_name(turn: Turn, within: Conversation) -> Turn:
    """Give a call the name of the one declared tool that its name is written for.

    Why: models add namespaces and markup to names, and clients answer `Tool X is not registered`.
    Safety: the letters are those of exactly one declared tool; names that merely resemble one are not touched.
    """
    calls = tuple(_named(call, within) for call in turn.calls)
    return turn if calls == turn.calls else replace(turn, calls=calls)


def _named(call: ToolCall, within: Conversation) -> ToolCall:
    meant = declared_tool(call.name, within.tools)
    return call if meant is None or meant.name == call.name else replace(call, name=meant.name)
