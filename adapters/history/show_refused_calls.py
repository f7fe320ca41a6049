"""Calls that OpenHands V1 could not read, and put a note of its own in the place of their arguments."""

from __future__ import annotations

from typing import Any

from adapters.base import Message
from adapters.history.base import Example, Messages, Terms, step
from adapters.history.runs import function_of, name_of, shown
from adapters.history.samples import USER, asks, call, result, says, told
from adapters.messages import text_of
from rules.read_json import Reading, read_json

MARK = "_openhands_malformed_tool_call"
"""Source: OpenHands SDK 1.58, seen on the wire."""

_NOTED = '{"_openhands_malformed_tool_call": true, "error": "Cut off."}'


@step(
    "form",
    Example(
        "refused, and told so",
        [USER, asks(call("c1", _NOTED)), result("c1", "Error: Cut off.")],
        [USER, says("bash(...)"), told("Result of bash (call c1):\nError: Cut off.")],
    ),
    Example(
        "beside a call that was read",
        [asks(call("c1", _NOTED), call("c2"), content="Now."), result("c1", "Cut off."), result("c2")],
        [asks(call("c2"), content="Now.\n\nbash(...)"), result("c2"), told("Result of bash (call c1):\nCut off.")],
    ),
    Example("refused, and told nothing", [asks(call("c1", _NOTED))], [says("bash(...) Cut off.")]),
    Example("any other arguments", [asks(call("c1")), result("c1")], [asks(call("c1")), result("c1")]),
)
def show_refused_calls(messages: Messages, terms: Terms) -> Messages:  # noqa: ARG001 - as every step
    """Show a call whose arguments OpenHands replaced by its own note as text, and its result as a user's message.

    Why: the model takes the note for arguments that it wrote, and writes them again.
    Safety: the note is recognised by its key, which no tool has. What the model wrote is lost before we see it; what OpenHands
        says of it stays.
    """
    return shown(messages, _said)


def _said(call: Any, result: Message | None) -> str | None:
    arguments = function_of(call).get("arguments")
    if not isinstance(arguments, str) or MARK not in arguments:
        return None
    reading = read_json(arguments)
    members = reading.value if isinstance(reading, Reading) else None
    if not isinstance(members, dict) or members.get(MARK) is not True:
        return None
    error = str(members.get("error") or "")
    told = text_of(result.get("content")) if result else ""
    return f"{name_of(call)}(...)" if error in told else f"{name_of(call)}(...) {error}"
