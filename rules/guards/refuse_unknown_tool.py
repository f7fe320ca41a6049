"""Calls of tools that nobody declared."""

from __future__ import annotations

from rules.advice import capped, listed, quoted
from rules.base import Example, Problem, asks, rule
from rules.conversation import Conversation, Turn
from rules.samples import TOOLS


@rule(
    "form",
    Example("a tool that only resembles one", asks("wait_console"), "unknown-tool", TOOLS),
    Example("a declared tool", asks("finish"), asks("finish"), TOOLS),
)
def refuse_unknown_tool(turn: Turn, within: Conversation) -> Turn | Problem:
    """Refuse a call of a tool that is not declared, and list those that are.

    Why: clients answer `Tool X is not registered`, drop the turn, and hear the same again.
    Safety: nothing is run; the nearest name is not taken, since it may do something else.
    """
    for call in turn.calls:
        if within.tool(call.name) is None:
            names = listed(tool.name for tool in within.tools)
            known = f"The tools are: {names}." if within.tools else "There are no tools; answer in text."
            advice = capped(f"There is no tool {quoted(call.name)}. {known}")
            return Problem("unknown-tool", "model-name", advice, call)
    return turn
