"""Tool names written a little differently from how they were declared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from rules.base import Example, asks, rule
from rules.conversation import Conversation, ToolCall, Turn
from rules.samples import TOOLS

_JUNK: Final = " \t\r\n\"'`"
_NAME: Final = re.compile(r"[^\s\"'`<>(){}\[\]=,]{1,200}")
_NAMESPACE: Final = re.compile(r"(?:functions?|tools?|default_api|multi_tool_use)[./]", re.IGNORECASE)


@rule(
    "form",
    Example("a namespace", asks("functions.wait", seconds=1), asks("wait", seconds=1), TOOLS),
    Example("the last part of several", asks("google:rpc:wait", seconds=1), asks("wait", seconds=1), TOOLS),
    Example("a doubled name", asks("wait:wait", seconds=1), asks("wait", seconds=1), TOOLS),
    Example("markup behind the name", asks("wait </parameter", seconds=1), asks("wait", seconds=1), TOOLS),
    Example("quotes and blanks", asks('"wait" ', seconds=1), asks("wait", seconds=1), TOOLS),
    Example("case and dashes", asks("Execute-Bash", command="ls"), asks("execute_bash", command="ls"), TOOLS),
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
    if within.tool(call.name) is not None:
        return call
    for spelling in _spellings(call.name):
        matching = [tool.name for tool in within.tools if tool.name == spelling] or [
            tool.name for tool in within.tools if _folded(tool.name) == _folded(spelling)
        ]
        if matching:
            return replace(call, name=matching[0]) if len(set(matching)) == 1 else call
    return call


def _spellings(name: str) -> Iterator[str]:
    """Yield what the name may have been meant as, the least changed first."""
    found = _NAME.match(name.lstrip(_JUNK))
    bare = found[0] if found else ""
    yield bare
    space = _NAMESPACE.match(bare)
    if space:
        yield bare[space.end() :]
    parts = bare.split(":")
    for at in range(1, len(parts)):
        yield ":".join(parts[at:])


def _folded(name: str) -> str:
    return name.casefold().replace("-", "_")
