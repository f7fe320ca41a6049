"""Arguments that are still text after all that could be done."""

from __future__ import annotations

from typing import Final

from rules.advice import quoted
from rules.base import Example, Problem, asks, asks_with, rule
from rules.conversation import Conversation, Turn
from rules.read_json import Unreadable, read_json
from rules.samples import TOOLS

_MARKS: Final = ("<parameter", '<|"|>', "<|tool_call>")
"""What Qwen's and Gemma's forms of a call are written with; who writes those is not to be sent to JSON."""


@rule(
    "form",
    Example("a key with two values", asks_with("wait", '{"seconds": 1, "seconds": 2}'), "unreadable-arguments", TOOLS),
    Example("a list", asks_with("wait", "[1]"), "unreadable-arguments", TOOLS),
    Example("tags", asks_with("wait", "<parameter=seconds>1<parameter=seconds>2"), "unreadable-arguments", TOOLS),
    Example("an object", asks("wait", seconds=1), asks("wait", seconds=1), TOOLS),
)
def refuse_unreadable_arguments(turn: Turn, _within: Conversation) -> Turn | Problem:
    """Refuse a call whose arguments are no JSON object.

    Why: clients drop the turn, abort the session, or run the tool with empty arguments.
    Safety: nothing is run.
    """
    for call in turn.calls:
        if isinstance(call.arguments, str):
            advice = f"The arguments of {quoted(call.name)} {_say(call.arguments)}"
            return Problem("unreadable-arguments", "model-format", advice, call)
    return turn


def _say(text: str) -> str:
    if text.lstrip().startswith("<") or any(mark in text for mark in _MARKS):
        told = "could not be read: the values could not be told apart from the tags around them."
        return f"{told} Write the call again, complete, each parameter once."
    reading = read_json(text)
    reason = reading.reason if isinstance(reading, Unreadable) else "no object"
    return f"are not one JSON object ({reason}). Write them again as one."
