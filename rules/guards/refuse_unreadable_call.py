"""A block that could not be read at all."""

from __future__ import annotations

from rules.base import Example, Problem, asks, asks_with, rule
from rules.conversation import Conversation, Turn
from rules.samples import TOOLS


@rule(
    "form",
    Example("no name, no arguments", asks_with("", "{utterly mangled}"), "unreadable-call", TOOLS),
    Example("a readable call", asks("wait", seconds=1), asks("wait", seconds=1), TOOLS),
)
def refuse_unreadable_call(turn: Turn, _within: Conversation) -> Turn | Problem:
    """Refuse a call whose block nobody could read.

    Why: it names no tool; passed on as text it would reach the user as markup, and the client as an answer without a call.
    Safety: nothing is run.
    """
    for call in turn.calls:
        if not call.name.strip() and isinstance(call.arguments, str):
            advice = "Your tool call could not be read. Write it again, exactly in the required format."
            return Problem("unreadable-call", "model-format", advice, call)
    return turn
